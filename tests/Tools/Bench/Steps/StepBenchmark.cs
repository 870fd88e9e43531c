using System.Diagnostics;
using System.Globalization;
using Orchestrator.Core.Jobs;
using Orchestrator.Parity;

namespace Orchestrator.Tools.Bench.Steps;

/// <summary>Steps of one program in one round.</summary>
/// <param name="Milliseconds">Wall time of a step.</param>
/// <param name="ProcessorMilliseconds">Processor time of a step, all threads: what other work on the machine changes less.</param>
/// <param name="PageFaults">Minor page faults of a step: each is a page that the kernel cleared, because the allocator had given it back.</param>
internal readonly record struct StepTime(double Milliseconds, double ProcessorMilliseconds, double PageFaults);

/// <summary>Every round of one program.</summary>
internal sealed record StepSeries(string Program, int Ranks, List<StepTime> Rounds);

/// <summary>Takes training steps with the worker's own loop and with PyTorch, in turn, round after round, so that both see the same machine.</summary>
/// <remarks>
/// Ours and theirs compute with one thread under the same instruction set, from the same weights, on batches of the same data, with the job's dropout.
/// Ours reads its data from disk and merges along the reduction tree; theirs has its batches in memory.
/// </remarks>
internal sealed class StepBenchmark : IDisposable
{
    /// <summary>Distinct batches that PyTorch cycles through.</summary>
    private const int PeerBatches = 16;

    private readonly HandOver _handOver = new();
    private readonly int _steps;
    private readonly Dictionary<int, OneWorker> _workers = [];
    private readonly PyTorchSteps _peer;

    public StepBenchmark(JobSpec job, int ranks, int steps)
    {
        _steps = steps;
        // No evaluation between the steps, no checkpoint but the one at a round's end, which is not timed.
        job = job with
        {
            Data = job.Data is { } data ? data with { ValidationShare = 0 } : null,
            Checkpoint = new CheckpointSpec { EverySteps = 0, Keep = 1 },
            Training = job.Training with { Steps = 1_000_000, Epochs = null, LogicalRanks = 1 },
            Workers = job.Workers with { Threads = PyTorch.Threads },
        };
        var whole = _workers[1] = new OneWorker(job, _handOver.PathOf("ranks-1"), PyTorch.Isa);
        if (ranks > 1)
        {
            _workers[ranks] = new OneWorker(job with { Training = job.Training with { LogicalRanks = ranks } }, _handOver.PathOf($"ranks-{ranks}"), PyTorch.Isa);
        }

        _handOver.WriteJob(job);
        _handOver.WriteWeights(whole.Replica, "initial.safetensors");
        _handOver.WriteBatches(whole, PeerBatches);
        _peer = new PyTorchSteps(_handOver.Folder);
    }

    public IReadOnlyList<StepSeries> Run(int rounds)
    {
        int[] counts = [.. _workers.Keys.Order()];
        var series = counts.SelectMany(ranks => new[] { new StepSeries("orchestrator", ranks, []), new StepSeries("pytorch", ranks, []) }).ToArray();
        // The first round warms both programs up: code, caches, allocators.
        Measure(series, [.. series.Select(_ => new List<StepTime>())]);
        for (var round = 0; round < rounds; round++)
        {
            Measure(series, [.. series.Select(one => one.Rounds)]);
            Console.Error.WriteLine($"round {round + 1} of {rounds}: {string.Join(", ", series.Select(one => $"{one.Program} {one.Ranks}: {one.Rounds[^1].Milliseconds:0.0} ms"))}");
        }

        return series;
    }

    public void Dispose()
    {
        _peer.Dispose();
        foreach (var worker in _workers.Values)
        {
            worker.Dispose();
        }

        _handOver.Dispose();
    }

    private void Measure(StepSeries[] series, List<StepTime>[] into)
    {
        for (var i = 0; i < series.Length; i++)
        {
            into[i].Add(series[i].Program == "pytorch" ? _peer.Measure(series[i].Ranks, _steps) : MeasureOwn(_workers[series[i].Ranks]));
        }
    }

    /// <summary>From the end of the round's first step to the end of its last.</summary>
    private StepTime MeasureOwn(OneWorker worker)
    {
        var (done, start, end) = (0, default(ProcessUse), default(ProcessUse));
        worker.StepDone = _ =>
        {
            done++;
            if (done == 1)
            {
                start = ProcessUse.Now();
            }
            else if (done == _steps + 1)
            {
                end = ProcessUse.Now();
            }
        };
        worker.Train(_steps + 1);
        return new StepTime((end.Wall - start.Wall).TotalMilliseconds / _steps, (end.Processor - start.Processor).TotalMilliseconds / _steps, (double)(end.Faults - start.Faults) / _steps);
    }

    /// <summary>What this process has used up.</summary>
    private readonly record struct ProcessUse(TimeSpan Wall, TimeSpan Processor, long Faults)
    {
        /// <summary>minflt of /proc/self/stat, counted behind the name, which may hold spaces.</summary>
        private const int FaultsField = 7;

        public static ProcessUse Now()
        {
            var stat = File.ReadAllText("/proc/self/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcessUse(Stopwatch.GetElapsedTime(0), Environment.CpuUsage.TotalTime, long.Parse(fields[FaultsField], CultureInfo.InvariantCulture));
        }
    }
}
