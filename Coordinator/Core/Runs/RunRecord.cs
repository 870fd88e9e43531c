using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>One line of a run's events.jsonl. Closed set; the names on disk stand in the host's writer.</summary>
/// <param name="Generation">None before the first.</param>
/// <param name="Step">Steps applied when it happened.</param>
public abstract record RunRecord(Generation Generation, long Step)
{
    public sealed record RunQueued(string Name, int MinWorkers, int DesiredWorkers, int MaxWorkers, string? ResumeFrom)
        : RunRecord(Generation.None, 0);

    /// <summary>Workers were asked to make themselves ready.</summary>
    public sealed record GenerationPreparing(Generation Generation, long Step, ImmutableArray<WorkerId> Workers, string Isa, string Reason)
        : RunRecord(Generation, Step);

    public sealed record WorkerRefused(Generation Generation, long Step, WorkerId Worker, string Reason) : RunRecord(Generation, Step);

    public sealed record GenerationFormed(Generation Generation, long Step, Formed Formed) : RunRecord(Generation, Step);

    public sealed record WorkerReady(Generation Generation, long Step, WorkerId Worker, int Pid, string Host, ImmutableArray<int> LogicalRanks)
        : RunRecord(Generation, Step);

    public sealed record Evaluated(Generation Generation, long Step, double Loss, double? Accuracy, long Samples) : RunRecord(Generation, Step);

    /// <summary>All members hold the same state.</summary>
    public sealed record StateCompared(Generation Generation, long Step, int Workers, string Sha256) : RunRecord(Generation, Step);

    public sealed record CheckpointSaved(
        Generation Generation, long Step, WorkerId Worker, string Path, string WeightsSha256, long Bytes, double Seconds, double StallSeconds)
        : RunRecord(Generation, Step);

    public sealed record CheckpointFailed(Generation Generation, long Step, WorkerId Worker, string Reason) : RunRecord(Generation, Step);

    public sealed record RunStopping(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    /// <summary>The ledger cannot be written. The run trains on and keeps what it is to have.</summary>
    public sealed record LedgerFailed(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    /// <summary>The ledger is written again, and nothing waits for it any more.</summary>
    public sealed record LedgerMended(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    /// <summary>The run goes on, and a person should know what about it is not as usual.</summary>
    public sealed record RunWarned(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    public sealed record RunWaiting(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    public sealed record WorkerLost(Generation Generation, long Step, WorkerId Worker, int Pid, string Reason) : RunRecord(Generation, Step);

    public sealed record WorkerFailed(Generation Generation, long Step, WorkerId Worker, int Pid, string Reason) : RunRecord(Generation, Step);

    public sealed record WorkerFinished(Generation Generation, long Step, WorkerId Worker, long Samples, string WeightsSha256)
        : RunRecord(Generation, Step);

    /// <summary>A free worker was asked to make itself ready and follow.</summary>
    public sealed record WorkerJoining(Generation Generation, long Step, WorkerId Worker, int Pid, string Host) : RunRecord(Generation, Step);

    /// <summary>A worker is out of the run, and nothing was lost by it.</summary>
    public sealed record WorkerLeft(Generation Generation, long Step, WorkerId Worker, int Pid, string Reason) : RunRecord(Generation, Step);

    /// <summary>The run wants another number of workers.</summary>
    public sealed record RunScaled(Generation Generation, long Step, int Desired) : RunRecord(Generation, Step);

    /// <summary>The run gives workers to other runs of the pool, behind a step.</summary>
    /// <param name="Workers">So many stay.</param>
    /// <param name="Leaving">Those who go.</param>
    public sealed record ShareLowered(Generation Generation, long Step, int Workers, ImmutableArray<WorkerId> Leaving, string Reason) : RunRecord(Generation, Step);

    /// <summary>A run behind it in the queue starts before it.</summary>
    /// <param name="By">Which.</param>
    /// <param name="Times">So many have, with this one.</param>
    /// <param name="Most">No more than these may.</param>
    public sealed record RunPassed(Generation Generation, long Step, RunId By, int Times, int Most) : RunRecord(Generation, Step);

    /// <summary>Too few workers are left. The run goes on by itself when there are enough.</summary>
    public sealed record RunPaused(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    /// <summary>Nobody is heard who holds the run's state, so they are not given up as soon as others.</summary>
    public sealed record MembersSilent(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    /// <summary>Everybody was lost who held a newer state, so committed steps are taken again.</summary>
    /// <param name="Step">Behind which the run begins again.</param>
    /// <param name="LostSteps">So many.</param>
    public sealed record StepsLost(Generation Generation, long Step, long LostSteps, string Reason) : RunRecord(Generation, Step);

    /// <summary>Another coordinator owns the run from here on.</summary>
    public sealed record RunAdopted(Generation Generation, long Step, string Reason) : RunRecord(Generation, Step);

    /// <param name="Seconds">How long it was paused.</param>
    public sealed record RunResumed(Generation Generation, long Step, double Seconds) : RunRecord(Generation, Step);

    public sealed record RunEnded(Generation Generation, long Step, RunOutcome Outcome, double? Loss, double? SamplesPerSecond)
        : RunRecord(Generation, Step);
}

/// <summary>What a generation starts with.</summary>
/// <param name="Why">In a sentence; with the workers that were lost, joined or left.</param>
/// <param name="SecondsSinceLoss">From the moment when the loss was seen; null: nobody was lost.</param>
/// <param name="LostRanks">Logical ranks of the first step that are computed again.</param>
public sealed record Formed(
    ImmutableArray<WorkerId> Workers, int LogicalRanks, long StartStep, long LastStep, long TotalSteps, string Isa, long ParameterCount,
    long BufferBytes, long SampleCount, string DataSha256, long TargetsPerSample, string Why, double? SecondsSinceLoss, int LostRanks)
{
    /// <summary>The members start from a checkpoint or from the initial weights, and not from what they held.</summary>
    public bool IsLoaded { get; init; }
}
