using System.Globalization;
using System.Text.Json;

namespace Orchestrator.Tools.Bench.Steps;

/// <summary>Medians, and ratios of ours to theirs: the median of the rounds' ratios, so that a load that comes and goes cancels out.</summary>
internal static class StepReport
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Write(IReadOnlyList<StepSeries> series, string format)
    {
        var lines = series.Select(one => new Figure(
            one.Program, one.Ranks, Round(Statistics.Median(one.Rounds.Select(r => r.Milliseconds)), 2), Round(Statistics.Median(one.Rounds.Select(r => r.ProcessorMilliseconds)), 2),
            Round(Statistics.Median(one.Rounds.Select(r => r.PageFaults)), 0), one.Rounds.Count)).ToArray();
        var ratios = Ratios(series).ToArray();
        if (format == "jsonl")
        {
            lines.Select(line => JsonSerializer.Serialize(line, Json)).Concat(ratios.Select(ratio => JsonSerializer.Serialize(ratio, Json))).ToList().ForEach(Console.WriteLine);
            return;
        }

        Console.WriteLine($"{"program",-14} {"ranks",5} {"ms",9} {"cpu ms",9} {"faults",8}   of one step, median of {series[0].Rounds.Count} rounds");
        foreach (var line in lines)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line.Program,-14} {line.Ranks,5} {line.Ms,9:0.00} {line.CpuMs,9:0.00} {line.PageFaults,8:0}"));
        }

        foreach (var ratio in ratios)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{ratio.Ratio:0.000} (cpu {ratio.CpuRatio:0.000})  {ratio.Ours} / {ratio.Peer}"));
        }
    }

    private static IEnumerable<Comparison> Ratios(IReadOnlyList<StepSeries> series)
    {
        foreach (var ours in series.Where(one => one.Program == "orchestrator"))
        {
            foreach (var peer in series.Where(one => one.Program == "pytorch" && one.Ranks <= ours.Ranks))
            {
                var pairs = ours.Rounds.Zip(peer.Rounds).ToArray();
                yield return new Comparison(
                    ours.Ranks == 1 ? "1 logical rank" : $"{ours.Ranks} logical ranks",
                    peer.Ranks == 1 ? "PyTorch, one pass" : $"PyTorch, {peer.Ranks} micro-batches",
                    Round(Statistics.Median(pairs.Select(pair => pair.First.Milliseconds / pair.Second.Milliseconds)), 3),
                    Round(Statistics.Median(pairs.Select(pair => pair.First.ProcessorMilliseconds / pair.Second.ProcessorMilliseconds)), 3));
            }
        }
    }

    private static double Round(double value, int digits) => Math.Round(value, digits);

    /// <param name="Ranks">Logical ranks, or micro-batches.</param>
    /// <param name="Ms">Wall time of a step.</param>
    /// <param name="CpuMs">Processor time of a step.</param>
    private sealed record Figure(string Program, int Ranks, double Ms, double CpuMs, double PageFaults, int Rounds);

    private sealed record Comparison(string Ours, string Peer, double Ratio, double CpuRatio);
}
