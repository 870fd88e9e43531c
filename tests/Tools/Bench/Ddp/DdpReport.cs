using System.Globalization;
using System.Text.Json;
using Orchestrator.Parity;

namespace Orchestrator.Tools.Bench.Ddp;

/// <summary>Medians, and the ratio of ours to theirs: the median of the rounds' ratios, so that a load that comes and goes cancels out.</summary>
internal static class DdpReport
{
    public static void Write(DdpOptions options, DdpFigures figures, string format)
    {
        var ours = Statistics.Median(figures.Rounds.Select(round => round.Ours));
        var peer = Statistics.Median(figures.Rounds.Select(round => round.Peer));
        var ratio = Statistics.Median(figures.Rounds.Select(round => round.Ours / round.Peer));
        double? hidden = figures.AllReduceMilliseconds > 0 ? Math.Clamp(1 - (figures.ExposedMilliseconds / figures.AllReduceMilliseconds), 0, 1) : null;
        if (format != "table")
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                job = options.Job.Name, peer = "ddp-gloo", torch = figures.TorchVersion, python = PyTorch.Interpreter, workers = options.Workers,
                logicalRanks = options.Job.Training.LogicalRanks, transport = options.Job.AllReduce.Transport, parameters = figures.Parameters,
                samplesPerSecond = ours, peerSamplesPerSecond = peer, ratio, allReduceMs = figures.AllReduceMilliseconds, exposedMs = figures.ExposedMilliseconds,
                hiddenShare = hidden, rounds = figures.Rounds.Count,
            }));
            return;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Job.Name}: {figures.Parameters / 1e6:0.00} M parameters, batch {options.Job.Training.GlobalBatch}, {options.Workers} workers, {options.Job.Training.LogicalRanks} logical ranks"));
        Console.WriteLine($"peer: PyTorch {figures.TorchVersion} ({PyTorch.Interpreter}), DistributedDataParallel over Gloo");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"orchestrator {ours,9:0.0} samples/s   {options.Job.AllReduce.Transport}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ddp          {peer,9:0.0} samples/s   gloo"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio        {ratio,9:0.000}   (median of {figures.Rounds.Count} rounds)"));
        if (hidden is { } share)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"all-reduce   {figures.AllReduceMilliseconds,9:0.00} ms alone, {figures.ExposedMilliseconds:0.00} ms of a step exposed: {100 * share:0}% hidden behind the backward pass"));
        }
    }
}
