using System.Globalization;
using System.Text.Json;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Tools.Bench.AllReduce;

/// <param name="Ranks">Processes of each system.</param>
/// <param name="Mib">Sizes in MiB.</param>
/// <param name="Transport">auto, tcp, unix or shm.</param>
/// <param name="LogicalRanks">V.</param>
/// <param name="Peer">gloo, arrival, or null.</param>
/// <param name="Python">Program.</param>
/// <param name="Rounds">Turns of each system.</param>
/// <param name="Format">table, json or jsonl.</param>
/// <param name="Wire">fp32 or bf16; sizes are those of fp32.</param>
/// <param name="PieceKiB">Longest message, in KiB of fp32.</param>
/// <param name="IsAfterDeath">Each all-reduce is the first of a generation that one member did not live to see.</param>
internal sealed record AllReduceBenchOptions(
    int Ranks, int[] Mib, string Transport, int LogicalRanks, string? Peer, string Python, int Rounds, string Format, string Wire, int PieceKiB, bool IsAfterDeath = false)
{
    public IEnumerable<string> RankArguments =>
    [
        "--transport", Transport, "--logical-ranks", $"{LogicalRanks}", "--piece-elements", $"{PieceKiB * 256}", .. Wire == "bf16" ? (string[])["--bf16"] : [],
        .. IsAfterDeath ? (string[])["--after-death"] : [],
    ];
}

/// <summary>Times the all-reduce of several processes, ours and a peer's in turn, so that both see the same machine.</summary>
internal static class AllReduceBench
{
    public const int DefaultPieceKiB = AllReducePlan.DefaultPieceElements / 256;

    private const int WarmUps = 3;
    private const int WarmUpMib = 300;

    // Compiled as workers are: build/CompileAhead.targets.
    private static readonly Dictionary<string, string> s_asWorkers = new() { ["DOTNET_TieredCompilation"] = "0" };

    public static int Run(AllReduceBenchOptions options)
    {
        if (options.Wire == "bf16" && (options.LogicalRanks > 8 || options.Peer == "arrival"))
        {
            throw new ToolException("--wire bf16 takes up to 8 logical ranks, whose sums can be checked exactly, and no --peer arrival.");
        }

        if (options.IsAfterDeath && options.Peer == "arrival")
        {
            throw new ToolException("--after-death takes no --peer arrival, which has one partial for each rank.");
        }

        using var ours = StartOurs(options);
        using var peers = options.Peer switch
        {
            null => null,
            "gloo" => StartGloo(options),
            _ when options.Transport is "tcp" or "unix" && options.LogicalRanks == options.Ranks => StartOurs(options, isArrival: true),
            _ => throw new ToolException("--peer arrival takes --transport tcp or unix, and as many logical ranks as ranks."),
        };
        var isRight = true;
        foreach (var mib in options.Mib)
        {
            var (own, peer) = Measure(ours, peers, mib, options.Rounds);
            Print(new Row("orchestrator", options.Transport, options.Ranks, mib, own, peer is null ? null : peer.Milliseconds / own.Milliseconds), options.Format);
            isRight &= own.IsRight;
            if (peer is not null)
            {
                Print(new Row(options.Peer!, options.Peer == "gloo" ? "tcp" : options.Transport, options.Ranks, mib, peer, null), options.Format);
                isRight &= peer.IsRight;
            }
        }

        return isRight ? 0 : 1;
    }

    /// <summary>Ours alone, at one size.</summary>
    public static double MedianMilliseconds(int ranks, int mib, string transport, int logicalRanks, int rounds)
    {
        using var ours = StartOurs(new AllReduceBenchOptions(ranks, [mib], transport, logicalRanks, null, "", rounds, "table", "fp32", DefaultPieceKiB));
        return Measure(ours, null, mib, rounds).Ours.Milliseconds;
    }

    private static Ranks StartOurs(AllReduceBenchOptions options, bool isArrival = false)
    {
        var ours = new Ranks(Enumerable.Range(0, options.Ranks).Select(i => new RankProcess("dotnet",
            [typeof(AllReduceBench).Assembly.Location, "bench", "allreduce-rank", "--index", $"{i}", .. options.RankArguments, .. isArrival ? (string[])["--arrival"] : []], s_asWorkers)));
        ours.Tell("members " + string.Join(' ', ours.Hear()));
        ours.Hear();
        return ours;
    }

    private static (Timing Ours, Timing? Peer) Measure(Ranks ours, Ranks? peers, int mib, int rounds)
    {
        // At least 20 iterations over all rounds; more of the short ones.
        var iterations = Math.Max((20 + rounds - 1) / rounds, 40 / mib);
        var first = Math.Max(WarmUps, WarmUpMib / mib);
        ours.Tell($"prepare {mib}");
        ours.Hear();
        peers?.Tell($"prepare {mib}");
        peers?.Hear();
        // Until compilers and caches have seen what is hot.
        ours.Turn($"run {first} 1");
        peers?.Turn($"run {first} 1");
        var (own, peer) = (new Timing(mib), peers is null ? null : new Timing(mib));
        for (var round = 0; round < rounds; round++)
        {
            own.Add(ours.Turn($"run {WarmUps} {iterations}"));
            peer?.Add(peers!.Turn($"run {WarmUps} {iterations}"));
        }

        return (own, peer);
    }

    private static Ranks StartGloo(AllReduceBenchOptions options)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "Peers", "gloo_rank.py");
        var folder = Directory.CreateTempSubdirectory("gloo-");
        var meeting = Path.Combine(folder.FullName, "meeting");
        var environment = new Dictionary<string, string> { ["OMP_NUM_THREADS"] = "1", ["OPENBLAS_NUM_THREADS"] = "1", ["GLOO_SOCKET_IFNAME"] = "lo" };
        var ranks = new Ranks(Enumerable.Range(0, options.Ranks).Select(i => new RankProcess(options.Python, [script, $"{i}", $"{options.Ranks}", meeting], environment)), folder);
        ranks.Hear();
        return ranks;
    }

    private static void Print(Row row, string format)
    {
        if (format != "table")
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    peer = row.System, transport = row.Transport, ranks = row.Ranks, mib = row.Mib, ms = row.Timing.Milliseconds,
                    busbwGiBs = row.Timing.BusBandwidth(row.Ranks), cpuSecondsPerGiB = row.Timing.CpuSecondsPerGiB, allEqual = row.Timing.IsRight,
                    timesPeer = row.TimesPeer, bytesFactor = row.Timing.BytesFactor(row.Ranks),
                }));
            return;
        }

        var right = row.Timing.IsRight ? "every element right" : "WRONG ELEMENTS";
        var bytes = row.Timing.BytesFactor(row.Ranks) is { } factor ? string.Create(CultureInfo.InvariantCulture, $"{factor,5:0.00} of the least bytes  ") : "";
        var ratio = row.TimesPeer is { } times ? times.ToString("0.00", CultureInfo.InvariantCulture) + " times the peer" : "";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{row.System,-13} {row.Transport,-5} {row.Ranks,3} ranks {row.Mib,5} MiB {row.Timing.Milliseconds,9:0.000} ms {row.Timing.BusBandwidth(row.Ranks),7:0.00} GiB/s {row.Timing.CpuSecondsPerGiB,7:0.00} CPU s/GiB {right}  {bytes}{ratio}"));
    }

    private sealed record Row(string System, string Transport, int Ranks, int Mib, Timing Timing, double? TimesPeer);

    /// <summary>The processes of one system, and the folder where they meet, which goes with them.</summary>
    private sealed class Ranks(IEnumerable<RankProcess> processes, DirectoryInfo? meeting = null) : IDisposable
    {
        private readonly List<RankProcess> _processes = [.. processes];

        public void Tell(string line) => _processes.ForEach(process => process.Tell(line));

        public List<string> Hear() => [.. _processes.Select(process => process.Hear())];

        public List<RankTurn> Turn(string line)
        {
            Tell(line);
            return [.. Hear().Select(RankTurn.Parse)];
        }

        public void Dispose()
        {
            _processes.ForEach(process => process.Dispose());
            meeting?.Delete(recursive: true);
        }
    }

    /// <summary>All turns of one system at one size: each iteration counts as its slowest rank.</summary>
    private sealed class Timing(int mib)
    {
        private readonly List<double> _seconds = [];
        private double _cpuSeconds;
        private int _rankIterations;
        private long _sentBytes;

        public bool IsRight { get; private set; } = true;

        public double Milliseconds => _seconds.Order().ElementAt(_seconds.Count / 2) * 1000;

        /// <summary>Processor seconds of all ranks for each GiB that a rank has reduced.</summary>
        public double CpuSecondsPerGiB => _cpuSeconds / (_rankIterations * mib / 1024.0);

        /// <summary>As nccl-tests defines it: size / time x 2 (n - 1) / n.</summary>
        public double BusBandwidth(int ranks) => mib / 1024.0 / (Milliseconds / 1000) * 2 * (ranks - 1) / ranks;

        /// <summary>What all ranks sent for one all-reduce, divided by the least that fp32 needs: 2 (n - 1) gradients. Ranks that hold several partials send more. Null: not counted.</summary>
        public double? BytesFactor(int ranks) => _sentBytes == 0 ? null : _sentBytes / (2.0 * (ranks - 1) * mib * (1 << 20));

        public void Add(List<RankTurn> turns)
        {
            _sentBytes = turns.Sum(turn => turn.SentBytes);
            for (var i = 0; i < turns[0].Seconds.Length; i++)
            {
                _seconds.Add(turns.Max(turn => turn.Seconds[i]));
            }

            _cpuSeconds += turns.Sum(turn => turn.CpuSeconds);
            _rankIterations += turns.Sum(turn => turn.Seconds.Length);
            IsRight &= turns.All(turn => turn.IsRight);
        }
    }
}
