using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Coordinator.Core.Revival;

/// <summary>A run as its new coordinator finds it.</summary>
/// <param name="Order">What was asked for.</param>
/// <param name="Snapshot">As it was stored last.</param>
/// <param name="Ledger">What of its ledger is on disk.</param>
public sealed record RevivedRun(RunOrder Order, RunSnapshot Snapshot, LedgerTail Ledger)
{
    /// <summary>The same when it cannot go on: its new coordinator ends it.</summary>
    /// <param name="reason">In sentences.</param>
    public RevivedRun Failing(string reason) => this with
    {
        Snapshot = Snapshot with { Phase = SnapshotPhase.Failing, Outcome = new RunOutcome(RunResult.Failed, reason, RunEnding.ExitFailed, null) },
    };

    /// <summary>The run goes on where it was: members are awaited, one without members waits in the queue.</summary>
    public (RunState State, ImmutableArray<RunEffect> Effects) Begin(RunWaits waits, DateTimeOffset now)
    {
        var begun = Snapshot is { Phase: SnapshotPhase.Training, UnwrittenStart: { } unwritten } && !Ledger.Has(Snapshot.FirstGeneration) ? unwritten : null;
        var tail = begun is null ? Ledger : new LedgerTail(begun.Step, begun.Step, []);
        return Begin(tail, waits, now).Then(state => LedgerWriting.HandOn(state, begun, []));
    }

    private RunTurn Begin(LedgerTail tail, RunWaits waits, DateTimeOffset now)
    {
        var step = Math.Max(Snapshot.Step, tail.HighestStep);
        var state = new RunState
        {
            Order = Order, Phase = new RunPhase.Queued(IsGraceRunning: false, IsGraceOver: false), Reason = Snapshot.Reason, Generation = Snapshot.Generation,
            LastGeneration = Snapshot.LastGeneration, FormedGenerations = Snapshot.FormedGenerations, LostLogicalRankSteps = Snapshot.LostLogicalRankSteps,
            LastStep = Snapshot.LastStep, GenerationSize = Snapshot.GenerationSize, Scale = Snapshot.Scale, ResumeFrom = Snapshot.ResumeFrom, LastFeed = Snapshot.LastFeed,
            StopReason = Snapshot.StopReason, SuspendReason = Snapshot.SuspendReason, Passed = Snapshot.Passed, PausedSince = Snapshot.PausedSince, Agreement = Snapshot.Agreement,
            Progress = RunProgress.None with
            {
                Step = step, Checkpoint = Snapshot.Checkpoint, HeldOut = Snapshot.HeldOut, RoseAt = now, Rate = RateClock.Start(step, now),
                // A mean over steps that do not follow each other would be none.
                RecentLosses = step == Snapshot.Step ? Snapshot.RecentLosses : [],
            },
            Ledger = new LedgerBook(tail.ToSteps(), Math.Max(tail.HighestStep, 0), Snapshot.FirstGeneration)
            {
                LogicalRanks = Order.Job.Training.LogicalRanks, StartStep = Snapshot.Phase == SnapshotPhase.Training || tail.IsBegun ? tail.CompleteStep : null,
            },
        };
        return Snapshot switch
        {
            { Phase: SnapshotPhase.Ended, Outcome: { } outcome } => (RunEnding.LetGo(state) with { Phase = new RunPhase.Ended(outcome) }, []),
            { Phase: SnapshotPhase.Failing, Outcome: { } outcome } => RunEnding.Fail(state, $"{outcome.Reason} {RunEnding.HowToGoOn(state)}", Orchestrator.Core.Messages.FailureKind.Environment, []),
            { Phase: SnapshotPhase.Training, Crew: { } crew } => RevivingMachine.Begin(state, crew.ToCrew(), Snapshot.IsChanging, Math.Min(step, tail.CompleteStep), waits),
            // Those who were making themselves ready have dropped the run.
            _ => (state with { Generation = Snapshot.LastGeneration }, []),
        };
    }
}

/// <summary>The end of a run's ledger on disk.</summary>
/// <param name="HighestStep">Of which anything is stored; 0: nothing is.</param>
/// <param name="CompleteStep">Every rank of this step and of those before it is stored.</param>
/// <param name="Reports">Of the last <see cref="LedgerRule.MaxKeptSteps"/> steps.</param>
public sealed record LedgerTail(long HighestStep, long CompleteStep, ImmutableArray<FedReport> Reports)
{
    public static readonly LedgerTail Empty = new(0, 0, []);

    /// <summary>A lineage of the run is on disk.</summary>
    public bool IsBegun { get; init; }

    /// <summary>Whether the lineage that is on disk is the one whose first generation this is: its owner may have died before that one was written.</summary>
    internal bool Has(Generation firstGeneration) => IsBegun && Reports.All(report => report.Generation >= firstGeneration);

    /// <param name="logicalRanks">V.</param>
    /// <param name="startStep">Of the present lineage.</param>
    /// <param name="reports">Of the present lineage's last steps, in the file's order; earlier ones are passed over.</param>
    public static LedgerTail Of(int logicalRanks, long startStep, IReadOnlyCollection<FedReport> reports)
    {
        if (reports.Count == 0)
        {
            return new LedgerTail(startStep, startStep, []) { IsBegun = true };
        }

        var highest = reports.Max(report => report.Step);
        var first = Math.Max(startStep, highest - LedgerRule.MaxKeptSteps) + 1;
        var kept = reports.Where(report => report.Step >= first).ToImmutableArray();
        var ranks = kept.GroupBy(report => report.Step).ToDictionary(step => step.Key, step => step.Sum(report => report.Entries.Length));
        var complete = first - 1;
        while (complete < highest && ranks.GetValueOrDefault(complete + 1) == logicalRanks)
        {
            complete++;
        }

        return new LedgerTail(highest, complete, kept) { IsBegun = true };
    }

    internal ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>> ToSteps() => Reports
        .SelectMany(report => report.Entries.Select(entry => new LedgerClaim(report.Worker, report.Generation, entry)))
        .GroupBy(claim => claim.Entry.Step)
        .ToImmutableSortedDictionary(step => step.Key, step => step.ToImmutableSortedDictionary(claim => claim.Entry.LogicalRank, claim => claim));
}
