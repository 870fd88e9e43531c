using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Revival;

/// <summary>What of a run must outlive its coordinator. Joiners are not in it: they hold nothing that the run needs, and are asked anew.</summary>
public sealed record RunSnapshot
{
    public required SnapshotPhase Phase { get; init; }

    public required string Reason { get; init; }

    public required Generation Generation { get; init; }

    /// <summary>The highest number that anybody can have been told.</summary>
    public required Generation LastGeneration { get; init; }

    public int FormedGenerations { get; init; }

    public long LostLogicalRankSteps { get; init; }

    public long LastStep { get; init; }

    public int GenerationSize { get; init; }

    public Scale Scale { get; init; }

    public string? ResumeFrom { get; init; }

    public long LastFeed { get; init; }

    public string? StopReason { get; init; }

    public string? SuspendReason { get; init; }

    public int Passed { get; init; }

    public DateTimeOffset? PausedSince { get; init; }

    public Agreement? Agreement { get; init; }

    /// <summary>Steps that were committed when it was stored. The ledger on disk is often further.</summary>
    public long Step { get; init; }

    public ImmutableArray<double> RecentLosses { get; init; } = [];

    public CheckpointMark? Checkpoint { get; init; }

    public HeldOut? HeldOut { get; init; }

    /// <summary>Of the present lineage.</summary>
    public Generation FirstGeneration { get; init; }

    /// <summary>The lineage of the ledger that had begun and was not known to be in its file; null: none.</summary>
    public LedgerStart? UnwrittenStart { get; init; }

    /// <summary>Who trains, and who is about to; null: nobody.</summary>
    public SnapshotCrew? Crew { get; init; }

    /// <summary>Its members were about to change, or had stopped for a change: whoever comes back must be fenced.</summary>
    public bool IsChanging { get; init; }

    /// <summary>How it ended, or why it is failing.</summary>
    public RunOutcome? Outcome { get; init; }

    public static RunSnapshot Of(RunState state)
    {
        var (phase, crew) = Describe(state.Phase);
        return new RunSnapshot
        {
            Phase = phase, Reason = state.Reason, Generation = state.Generation, LastGeneration = state.LastGeneration, FormedGenerations = state.FormedGenerations,
            LostLogicalRankSteps = state.LostLogicalRankSteps, LastStep = state.LastStep, GenerationSize = state.GenerationSize, Scale = state.Scale,
            ResumeFrom = state.ResumeFrom, LastFeed = state.LastFeed, StopReason = state.StopReason, SuspendReason = state.SuspendReason, Passed = state.Passed, PausedSince = state.PausedSince,
            Agreement = state.Agreement, Step = state.Progress.Step, RecentLosses = state.Progress.RecentLosses, Checkpoint = state.Progress.Checkpoint,
            HeldOut = state.Progress.HeldOut, FirstGeneration = state.Ledger.FirstGeneration, UnwrittenStart = state.Backlog.UnwrittenStart, Crew = crew is null ? null : SnapshotCrew.Of(crew),
            IsChanging = state.Phase is RunPhase.Regrouping or RunPhase.Paused or RunPhase.Running { Change: not null } or RunPhase.Reviving { IsChanging: true },
            Outcome = state.Phase switch
            {
                RunPhase.Ended ended => ended.Outcome,
                RunPhase.Aborting aborting => Failing(aborting.Cause),
                RunPhase.Saving saving => Failing(saving.Cause),
                _ => null,
            },
        };
    }

    private static (SnapshotPhase Phase, Crew? Crew) Describe(RunPhase phase) => phase switch
    {
        RunPhase.Running running => (SnapshotPhase.Training, RunningMachine.Everyone(running)),
        RunPhase.Regrouping regrouping => (SnapshotPhase.Training, regrouping.Crew),
        RunPhase.Paused paused => (SnapshotPhase.Training, paused.Crew),
        RunPhase.Reviving reviving => (SnapshotPhase.Training, reviving.Crew),
        RunPhase.Aborting or RunPhase.Saving => (SnapshotPhase.Failing, null),
        RunPhase.Ended => (SnapshotPhase.Ended, null),
        _ => (SnapshotPhase.Queued, null),
    };

    private static RunOutcome Failing(FailureCause cause) => new(RunResult.Failed, cause.Sentence, RunEnding.ExitFailed, null);
}

/// <summary>On disk; append only.</summary>
public enum SnapshotPhase
{
    Unspecified = 0,

    /// <summary>Waits for workers, or had asked some to make themselves ready.</summary>
    Queued = 1,

    /// <summary>Members hold its state.</summary>
    Training = 2,

    /// <summary>It was being given up.</summary>
    Failing = 3,

    Ended = 4,
}

/// <summary>A <see cref="Runs.Crew"/> in lists.</summary>
public sealed record SnapshotCrew(
    Generation Generation, ImmutableArray<Candidate> Members, ImmutableArray<SnapshotMember> Ranks, long StartStep, long LastStep, long TotalSteps, BatchSizes Batches,
    ImmutableArray<SnapshotJoin> JoinedAt)
{
    public static SnapshotCrew Of(Crew crew) => new(
        crew.Generation, [.. crew.Members.Values], [.. crew.Ranks.Values.Select(SnapshotMember.Of)], crew.StartStep, crew.LastStep, crew.TotalSteps, crew.Batches,
        [.. crew.JoinedAt.Select(entry => new SnapshotJoin(entry.Key, entry.Value))]);

    public Crew ToCrew() => new(
        Generation, Members.ToImmutableSortedDictionary(member => member.Worker, member => member),
        Ranks.ToImmutableSortedDictionary(member => member.Worker, member => member.ToMember()), StartStep, LastStep, TotalSteps, Batches)
    {
        JoinedAt = JoinedAt.ToImmutableSortedDictionary(join => join.Worker, join => join.Step),
    };
}

/// <param name="Step">Steps that were decided when it came in.</param>
public sealed record SnapshotJoin(WorkerId Worker, long Step);

/// <summary>A <see cref="Member"/>; FirstStepRanks null: those of all other steps.</summary>
public sealed record SnapshotMember(WorkerId Worker, string CollectiveAddress, int FirstRank, int RankCount, ImmutableArray<Orchestrator.Core.Reduction.RankRange>? FirstStepRanks)
{
    public static SnapshotMember Of(Member member) => new(
        member.Worker, member.CollectiveAddress, member.FirstRank, member.RankCount, member.FirstStepRanks.IsDefault ? null : member.FirstStepRanks);

    public Member ToMember() => new(Worker, CollectiveAddress, FirstRank, RankCount) { FirstStepRanks = FirstStepRanks ?? default };
}
