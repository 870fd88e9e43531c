using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>What a chaos run showed, put beside its quiet twin.</summary>
/// <param name="Reasons">Every promise that was broken; empty: the verdict is good.</param>
/// <param name="Faults">That landed, by kind.</param>
/// <param name="Pauses">Milliseconds from each kill until the members that are left were told to go on, rising.</param>
/// <param name="NextSteps">Milliseconds from each kill to the first step that the generation without the victim committed, rising.</param>
/// <param name="FreezesSeen">Milliseconds from each freeze that outlasts the detector until the others went on, rising.</param>
/// <param name="Starts">Processes that came in later than the first members.</param>
/// <param name="StartSeconds">Processor time that these had used when they came in.</param>
/// <param name="StartShare">The same as a share of all processor time that this machine had meanwhile.</param>
/// <param name="TakeOvers">What the deaths of owners did; null: no coordinator was hit.</param>
internal sealed record ChaosVerdict(
    IReadOnlyList<string> Reasons, IReadOnlyDictionary<FaultKind, int> Faults, bool WeightsEqual, bool SamplesExactlyOnce, long SamplesVerified, double? ThroughputKept,
    IReadOnlyList<double> Pauses, IReadOnlyList<double> NextSteps, IReadOnlyList<double> FreezesSeen, int Starts, double StartSeconds, double StartShare,
    long LostLogicalRankSteps, int LostCommits, int SurvivorRestarts, string? QuietSha256, string? ChaosSha256, TakeOvers? TakeOvers)
{
    public bool IsGood => Reasons.Count == 0;

    /// <param name="quiet">The result of the quiet twin.</param>
    /// <param name="isMeasured">The twin had as many workers: throughputs compare.</param>
    /// <param name="ended">How the run under faults ended, and its result.</param>
    /// <param name="ledger">The result of `ledger verify`.</param>
    /// <param name="run">What was done to it.</param>
    /// <param name="kinds">What was to be done.</param>
    public static ChaosVerdict Of(JsonElement? quiet, bool isMeasured, (int Code, JsonElement? Result) ended, JsonElement? ledger, ChaosRun run, IEnumerable<FaultKind> kinds)
    {
        var chaos = ended.Result;
        var reasons = new List<string>();
        var (quietSha, chaosSha) = (Text(quiet, "weightsSha256"), Text(chaos, "weightsSha256"));
        var faults = kinds.ToDictionary(kind => kind, kind => run.Landed.Count(fault => fault.Kind == kind));
        var isOnce = Text(ledger, "verdict") == "good";
        var restarts = RestartsOf(run);
        var setBacks = SetBack.Of(run.Events.All, run.Steps.Read());
        var lostCommits = (int)setBacks.Sum(each => each.LostSteps);
        Require(Text(chaos, "state") == "succeeded", $"the run ended with exit code {ended.Code} and {(Text(chaos, "state") is { } state ? $"is {state}" : "no result; what it said stands above")}");
        Require(quietSha is not null && quietSha == chaosSha, $"the weights are {chaosSha ?? "none"} and those of the quiet run {quietSha ?? "none"}");
        Require(isOnce, $"the ledger is not good: {Text(ledger, "problem") ?? "it could not be verified"}");
        Require(restarts == 0, $"{restarts} workers that nobody hit were lost");
        Require(lostCommits == 0, $"{lostCommits} committed steps were lost: {string.Join("; ", setBacks.Select(each => each.Describe()))}");
        foreach (var (kind, count) in faults)
        {
            Require(count > 0, $"no {kind.ToString().ToLowerInvariant()} landed: let the job take longer, or lower --every");
        }

        return new ChaosVerdict(
            reasons, faults, quietSha is not null && quietSha == chaosSha, isOnce, Number(ledger, "samplesVerified") is { } samples ? (long)samples : 0,
            isMeasured && Number(quiet, "samplesPerSecond") is > 0 and { } rate && Number(chaos, "samplesPerSecond") is { } kept ? kept / rate : null,
            PausesOf(run, FaultKind.Kill, Pause), PausesOf(run, FaultKind.Kill, NextStep), PausesOf(run, FaultKind.Freeze, Pause),
            run.Starts.Count, run.Starts.Processor.TotalSeconds, run.Lasted == TimeSpan.Zero ? 0 : run.Starts.Processor / (run.Lasted * Environment.ProcessorCount), (long)(Number(chaos, "lostLogicalRankSteps") ?? 0), lostCommits, restarts, quietSha, chaosSha, run.TakeOvers);

        void Require(bool isKept, string reason)
        {
            if (!isKept)
            {
                reasons.Add(reason);
            }
        }
    }

    public string ToJson() => JsonSerializer.Serialize(new
    {
        verdict = IsGood ? "good" : "broken",
        faults = Faults.ToDictionary(fault => fault.Key.ToString().ToLowerInvariant(), fault => fault.Value),
        weightsEqual = WeightsEqual,
        samplesExactlyOnce = SamplesExactlyOnce,
        samplesVerified = SamplesVerified,
        throughputKept = ThroughputKept,
        pauseMillis = Quantiles(Pauses),
        nextStepMillis = Quantiles(NextSteps),
        freezeSeenMillis = Quantiles(FreezesSeen),
        starts = Starts,
        startProcessorSeconds = Math.Round(StartSeconds, 1),
        startProcessorShare = Math.Round(StartShare, 3),
        lostLogicalRankSteps = LostLogicalRankSteps,
        lostCommits = LostCommits,
        survivorRestarts = SurvivorRestarts,
        nobodyOwnedMillis = TakeOvers is null ? null : Quantiles(TakeOvers.NobodyOwned),
        adoptedMillis = TakeOvers is null ? null : Quantiles(TakeOvers.Adopted),
        stepMillis = TakeOvers is null ? null : new
        {
            median = Math.Round(TakeOvers.MedianMillis, 2), takeOverMax = Longest(TakeOvers.TakeOverMillis), startMax = Longest(TakeOvers.StartMillis), otherMax = Math.Round(TakeOvers.QuietMillis, 1),
        },
        quietSha256 = QuietSha256,
        chaosSha256 = ChaosSha256,
        reasons = Reasons,
    });

    private static double Longest(IEnumerable<double> millis) => Math.Round(millis.DefaultIfEmpty(0).Max(), 1);

    private static object? Quantiles(IReadOnlyList<double> values) => values.Count == 0 ? null : new
    {
        p50 = Math.Round(values[(values.Count - 1) / 2], 1), p99 = Math.Round(values[(int)((values.Count - 1) * 0.99)], 1), max = Math.Round(values[^1], 1),
    };

    private static List<double> PausesOf(ChaosRun run, FaultKind kind, Func<ChaosRun, LandedFault, double?> measure) =>
    [
        .. run.Landed.Where(fault => fault.Kind == kind && (kind != FaultKind.Freeze || fault.Lasting >= ChaosPlan.Detector)).Select(fault => measure(run, fault)).OfType<double>().Order(),
    ];

    private static double? Pause(ChaosRun run, LandedFault fault) => FormedWithout(run, fault) is { } formed ? (RunEvents.Time(formed) - fault.At).TotalMilliseconds : null;

    private static double? NextStep(ChaosRun run, LandedFault fault) =>
        FormedWithout(run, fault) is { } formed && run.Steps.Read().Where(step => step.Generation == RunEvents.Generation(formed)).Select(step => (RunStep?)step).FirstOrDefault() is { } first
            ? (first.Time - fault.At).TotalMilliseconds : null;

    /// <summary>The first generation that was formed after the victim was lost.</summary>
    private static JsonElement? FormedWithout(ChaosRun run, LandedFault fault)
    {
        var after = run.Events.All.SkipWhile(each => RunEvents.Name(each) != "worker.lost" || RunEvents.Pid(each) != fault.Pid || RunEvents.Time(each) < fault.At.AddMilliseconds(-1));
        return after.Where(each => RunEvents.Name(each) == "generation.formed").Select(each => (JsonElement?)each).FirstOrDefault();
    }

    private static int RestartsOf(ChaosRun run)
    {
        var hit = run.Landed.Select(fault => fault.Pid).ToHashSet();
        return run.Events.All.Count(each => RunEvents.Name(each) == "worker.lost" && !hit.Contains(RunEvents.Pid(each)));
    }

    private static string? Text(JsonElement? result, string name) =>
        result is { } element && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Number(JsonElement? result, string name) =>
        result is { } element && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
