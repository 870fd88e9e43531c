using System.Globalization;
using Orchestrator.Core.Jobs;
using Orchestrator.Parity;
using Orchestrator.Tools.Bench.AllReduce;
using TorchSharp.Extensions;

namespace Orchestrator.Tools.Bench.Ddp;

/// <param name="Job">Resolved.</param>
/// <param name="Words">The job as a command line names it: the file and its --set options.</param>
/// <param name="Workers">Processes of each system.</param>
/// <param name="Rounds">Turns of each.</param>
/// <param name="Steps">Of a turn.</param>
internal sealed record DdpOptions(JobSpec Job, string[] Words, int Workers, int Rounds, int Steps);

/// <param name="TorchVersion">Of the peer.</param>
/// <param name="Parameters">Elements that both systems reduce in a step.</param>
/// <param name="Rounds">Samples per second of both, round by round.</param>
/// <param name="ExposedMilliseconds">What a step of ours takes beyond its slowest worker's own work: median of all timed steps.</param>
/// <param name="AllReduceMilliseconds">The same all-reduce with nothing to hide behind.</param>
internal sealed record DdpFigures(
    string TorchVersion, long Parameters, IReadOnlyList<(double Ours, double Peer)> Rounds, double ExposedMilliseconds, double AllReduceMilliseconds);

/// <summary>Trains with both systems in turn, round after round, so that both see the same machine.</summary>
/// <remarks>
/// Ours is the whole system: coordinator, workers, data from disk, ledger. Theirs has its batches in memory and its processes waiting. Both begin
/// from the same weights and compute with one thread for each process under the same instruction set; starting up is not timed.
/// </remarks>
internal static class DdpBenchmark
{
    /// <summary>Distinct batches that PyTorch cycles through.</summary>
    private const int PeerBatches = 16;

    public static DdpFigures Run(DdpOptions options)
    {
        using var handOver = new HandOver();
        var parameters = Prepare(options.Job, handOver);
        var peers = Enumerable.Range(0, options.Workers).Select(index => new RankProcess(
            PyTorch.Interpreter,
            [
                Path.Combine(AppContext.BaseDirectory, "Peers", "ddp_rank.py"), $"{index}", $"{options.Workers}", handOver.PathOf("meeting"), handOver.Folder,
                Path.GetDirectoryName(PyTorch.ScriptPath("twins.py"))!,
            ],
            PeerEnvironment())).ToArray();
        try
        {
            var version = Array.ConvertAll(peers, peer => peer.Hear())[0];
            var rounds = new List<(double Ours, double Peer)>();
            var exposed = new List<double>();
            // The first round warms up: disk, caches, PyTorch's own first steps.
            for (var round = 0; round <= options.Rounds; round++)
            {
                var own = OwnRun.Train(options, handOver.PathOf($"run-{round}"));
                var peer = (options.Steps - DdpCommand.UntimedSteps) * (double)options.Job.Training.GlobalBatch / PeerSeconds(peers, options.Steps);
                Console.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"round {round} of {options.Rounds}{(round == 0 ? " (to warm up)" : "")}: {own.SamplesPerSecond:0.0} and {peer:0.0} samples/s"));
                if (round > 0)
                {
                    rounds.Add((own.SamplesPerSecond, peer));
                    exposed.AddRange(own.ExposedMilliseconds);
                }
            }

            return new DdpFigures(version, parameters, rounds, Statistics.Median(exposed), AllReduceAlone(options, parameters));
        }
        finally
        {
            Array.ForEach(peers, peer => peer.Dispose());
        }
    }

    /// <summary>Writes what PyTorch needs. Returns the count of trained elements.</summary>
    private static long Prepare(JobSpec job, HandOver handOver)
    {
        // One logical rank, so that a share is the whole batch.
        job = job with { Training = job.Training with { LogicalRanks = 1, Steps = 1_000_000, Epochs = null }, Workers = job.Workers with { Threads = PyTorch.Threads } };
        using var worker = new OneWorker(job, handOver.PathOf("prepared"), PyTorch.Isa);
        handOver.WriteJob(job);
        handOver.WriteWeights(worker.Replica, "initial.safetensors");
        handOver.WriteBatches(worker, PeerBatches);
        return worker.Replica.Layout.TrainableCount;
    }

    private static Dictionary<string, string> PeerEnvironment()
    {
        var environment = NumericEnvironment.Variables(PyTorch.Isa, PyTorch.Threads).ToDictionary(variable => variable.Name, variable => variable.Value);
        environment["GLOO_SOCKET_IFNAME"] = "lo";
        environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return environment;
    }

    private static double PeerSeconds(RankProcess[] peers, int steps)
    {
        Array.ForEach(peers, peer => peer.Tell($"{steps}"));
        return peers.Max(peer => double.Parse(peer.Hear(), CultureInfo.InvariantCulture));
    }

    private static double AllReduceAlone(DdpOptions options, long parameters) => options.Workers == 1 ? 0 : AllReduceBench.MedianMilliseconds(
        options.Workers, (int)Math.Max(1, parameters * sizeof(float) >> 20), options.Job.AllReduce.Transport, options.Job.Training.LogicalRanks, options.Rounds);
}
