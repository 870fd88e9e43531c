using System.Globalization;
using static System.FormattableString;

namespace Orchestrator.Tools.Chaos;

/// <summary>A verdict as a person reads it.</summary>
internal static class ChaosReport
{
    public static string Of(int seed, ChaosVerdict verdict) => string.Join('\n',
        $"seed                {seed}",
        $"verdict             {(verdict.IsGood ? "good" : "broken")}",
        $"faults              {string.Join(", ", verdict.Faults.Select(fault => $"{fault.Value} {fault.Key.ToString().ToLowerInvariant()}"))}",
        $"weights             {(verdict.WeightsEqual ? "equal" : "NOT equal")} to the quiet run's: {verdict.ChaosSha256 ?? "none"}",
        $"samples             {verdict.SamplesVerified} verified, {(verdict.SamplesExactlyOnce ? "each once an epoch" : "NOT each once")}",
        $"pause after a kill  {Spread(verdict.Pauses)}",
        $"kill to next step   {Spread(verdict.NextSteps)}",
        $"throughput kept     {(verdict.ThroughputKept is { } kept ? kept.ToString("P0", CultureInfo.InvariantCulture) : "not measured (--throughput)")}",
        $"seen after a freeze {Spread(verdict.FreezesSeen)}",
        Invariant($"starts              {verdict.Starts} processes, {verdict.StartSeconds:0.0} s of processor until they were members: {verdict.StartShare:P0} of what this machine had"),
        $"computed again      {verdict.LostLogicalRankSteps} logical ranks; {verdict.LostCommits} committed steps lost; {verdict.SurvivorRestarts} survivors restarted")
        + (verdict.TakeOvers is { } takeOvers ? $"\n{Of(takeOvers)}" : "");

    private static string Of(TakeOvers each) => string.Join('\n',
        $"nobody owned        {Spread(each.NobodyOwned)}",
        $"hit to members back {Spread(each.Adopted)}",
        Invariant($"steps               median {each.MedianMillis:0.00} ms; the longest while owners died and others took over: {Millis(each.TakeOverMillis)} ms"),
        Invariant($"                    the longest while those that were hit started or thawed: {Millis(each.StartMillis)} ms; of the rest: {each.QuietMillis:0.0} ms"));

    private static string Millis(IEnumerable<double> each) => string.Join(", ", each.Select(millis => millis.ToString("0.0", CultureInfo.InvariantCulture)));

    private static string Spread(IReadOnlyList<double> millis) =>
        millis.Count == 0 ? "none seen" : Invariant($"median {millis[(millis.Count - 1) / 2]:0} ms, longest {millis[^1]:0} ms, of {millis.Count}");
}
