using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Everything the coordinator knows of one run. Immutable: a snapshot may be read on any thread.</summary>
public sealed record RunState
{
    public required RunOrder Order { get; init; }

    public required RunPhase Phase { get; init; }

    /// <summary>The generation in force, or the one being prepared, or the last; None before the first.</summary>
    public Generation Generation { get; init; } = Generation.None;

    /// <summary>The highest number that was given to a generation, in force or not.</summary>
    public Generation LastGeneration { get; init; } = Generation.None;

    /// <summary>Generations that were in force.</summary>
    public int FormedGenerations { get; init; }

    /// <summary>Logical ranks that were dealt out anew because their owner was lost in an undecided step.</summary>
    public long LostLogicalRankSteps { get; init; }

    /// <summary>Workers that may not be members, and why.</summary>
    public ImmutableSortedDictionary<WorkerId, string> Refused { get; init; } = ImmutableSortedDictionary<WorkerId, string>.Empty;

    /// <summary>Those of them that may try again, and when; and those that did.</summary>
    public ImmutableSortedDictionary<WorkerId, Deferral> Deferrals { get; init; } = ImmutableSortedDictionary<WorkerId, Deferral>.Empty;

    public RunProgress Progress { get; init; } = RunProgress.None;

    /// <summary>How fast the present generation's members compute.</summary>
    public ImmutableSortedDictionary<WorkerId, Pace> Paces { get; init; } = ImmutableSortedDictionary<WorkerId, Pace>.Empty;

    /// <summary>How often logical ranks were moved for the members' speeds since the members changed.</summary>
    public int Moves { get; init; }

    /// <summary>What was fed in the steps that are not stored in the ledger yet.</summary>
    public LedgerBook Ledger { get; init; } = LedgerBook.Empty;

    /// <summary>What was handed on to the ledger and is not known to be written.</summary>
    public LedgerBacklog Backlog { get; init; } = LedgerBacklog.Empty;

    /// <summary>Reports up to this step need not be kept by anybody: the ledger's file has them, or nobody knows more.</summary>
    public long RecordedStep
    {
        get
        {
            var committed = Math.Min(Progress.Step, Ledger.CommittedStep);
            return Backlog.WrittenUpTo(LedgerRule.FirstGap(Ledger, committed) is { } gap ? gap - 1 : committed);
        }
    }

    /// <summary>Why the run is where it is, in a sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The run ends when this many steps are applied; 0: not known yet.</summary>
    public long LastStep { get; init; }

    /// <summary>Members with which the last generation began; 0 before the first.</summary>
    public int GenerationSize { get; init; }

    /// <summary>How many workers the run wants: the job's, until a person scales it.</summary>
    public Scale Scale { get; init; }

    /// <summary>Absolute checkpoint folder from which members load; null: the initial weights.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>What the members agreed on when they were prepared; a joiner must say the same. Null before the first generation.</summary>
    public Agreement? Agreement { get; init; }

    /// <summary>Workers that are on their way into the run.</summary>
    public ImmutableSortedDictionary<WorkerId, Joiner> Joiners { get; init; } = ImmutableSortedDictionary<WorkerId, Joiner>.Empty;

    /// <summary>Members that are to leave at the next change.</summary>
    public ImmutableSortedSet<WorkerId> Leavers { get; init; } = [];

    /// <summary>Those of them that leave because other runs are to have them: they may be kept after all.</summary>
    public ImmutableSortedSet<WorkerId> Shed { get; init; } = [];

    /// <summary>Runs behind it in the queue that started before it on workers that it could have used.</summary>
    public int Passed { get; init; }

    /// <summary>The step that the members were told is recorded.</summary>
    public long ToldStep { get; init; }

    /// <summary>The number of the last feed; never used again.</summary>
    public long LastFeed { get; init; }

    /// <summary>Why a person ended the run early; null: nobody did.</summary>
    public string? StopReason { get; init; }

    /// <summary>Why the run is to wait for other workers after a step; null: it is not.</summary>
    public string? SuspendReason { get; init; }

    /// <summary>Set while it waits after it had trained.</summary>
    public DateTimeOffset? PausedSince { get; init; }

    /// <summary>The first failure that a member reported since a step was committed; null: none.</summary>
    public FailureCause? FirstFailure { get; init; }

    /// <summary>Members that were given up because they hung, since a step was committed.</summary>
    public ImmutableArray<Hang> Hangs { get; init; } = [];

    /// <summary>Links that broke, and the step that was committed then. Forgotten when a later one is.</summary>
    public ImmutableSortedDictionary<BrokenLink, long> LinkMarks { get; init; } = ImmutableSortedDictionary<BrokenLink, long>.Empty;

    /// <summary>Members that were lost since the last generation was formed. Of those that attach on their own only a stream may have ended.</summary>
    public ImmutableSortedDictionary<WorkerId, Candidate> Lost { get; init; } = ImmutableSortedDictionary<WorkerId, Candidate>.Empty;

    /// <summary>The crew whose last member was lost, in the queue: whoever of it comes back with what it holds brings the run back. Null: nobody can.</summary>
    public LastCrew? LastCrew { get; init; }

    /// <summary>Set while nobody is heard who holds the run's state.</summary>
    public Silence? Silence { get; init; }

    public RunId Id => Order.Id;

    /// <summary>The crew of the generation that trains, is formed anew or is being given up; null before and after.</summary>
    public Crew? Crew => Phase switch
    {
        RunPhase.Running running => running.Crew,
        RunPhase.Regrouping regrouping => regrouping.Crew,
        RunPhase.Paused paused => paused.Crew,
        RunPhase.Aborting aborting => aborting.Crew,
        RunPhase.Saving saving => saving.Crew,
        RunPhase.Reviving reviving => reviving.Crew,
        _ => null,
    };

    /// <summary>Workers that serve the run now, joiners among them.</summary>
    public IEnumerable<WorkerId> Members => Phase is RunPhase.Preparing preparing ? preparing.Members.Keys
        : Crew is { } crew ? crew.Members.Keys.Concat(Joiners.Keys.Where(joiner => !crew.Members.ContainsKey(joiner))) : Joiners.Keys;

    /// <summary>The same without those that leave at the next change.</summary>
    public IEnumerable<WorkerId> Staying => Members.Where(worker => !Leavers.Contains(worker));

    /// <summary>The same as <see cref="Members"/> of one worker, at a cost that does not grow with their number.</summary>
    public bool IsServedBy(WorkerId worker) => (Phase is RunPhase.Preparing preparing ? preparing.Members.ContainsKey(worker) : Crew?.Members.ContainsKey(worker) == true)
        || Joiners.ContainsKey(worker);

    /// <summary>Whether the same workers serve it in another state. Collections are compared by reference, which may say too often, and never too seldom, that they differ.</summary>
    internal bool IsServedAs(RunState other) => ReferenceEquals(Joiners, other.Joiners)
        && ReferenceEquals((Phase as RunPhase.Preparing)?.Members ?? Crew?.Members, (other.Phase as RunPhase.Preparing)?.Members ?? other.Crew?.Members);
}

/// <summary>A crew of which nobody is left.</summary>
/// <param name="Crew">Its members are those that were lost in its generation.</param>
/// <param name="RecordedStep">Reports up to this step are recorded.</param>
/// <param name="SuspendReason">Why they were to end after a step; null: they were not.</param>
/// <param name="ResumeFrom">The checkpoint from which they had begun: whoever joins them has to begin from it too.</param>
public sealed record LastCrew(Crew Crew, long RecordedStep, string? SuspendReason, string? ResumeFrom);

/// <summary>Nobody who holds the run's state is heard.</summary>
/// <param name="Reason">Says so, in a sentence.</param>
/// <param name="Former">Why the run was where it was before.</param>
public sealed record Silence(string Reason, string Former);

/// <summary>What the members of a run agree on.</summary>
/// <param name="Isa">The instruction-set level that all of them pin.</param>
/// <param name="Answer">What they all said.</param>
/// <param name="BufferBytes">The most that one of them needs.</param>
public sealed record Agreement(string Isa, WorkerMessage.Prepared Answer, long BufferBytes);

/// <param name="Desired">Workers that the run wants.</param>
/// <param name="Limit">Workers up to which one that a person started joins; at least Desired.</param>
public readonly record struct Scale(int Desired, int Limit);
