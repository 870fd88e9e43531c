using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What can happen to a run. Closed set.</summary>
public abstract record RunEvent
{
    private RunEvent() { }

    /// <summary>The formation rule has looked at the free workers.</summary>
    public sealed record FormationDecided(FormationDecision Decision) : RunEvent;

    public sealed record WorkerSaid(WorkerId Worker, WorkerMessage Message) : RunEvent;

    /// <summary>The worker's stream ended.</summary>
    public sealed record WorkerLost(WorkerId Worker, string Reason) : RunEvent
    {
        /// <summary>The same process has opened another stream.</summary>
        public bool IsBack { get; init; }
    }

    /// <summary>A member that had lost its coordinator is attached again.</summary>
    /// <param name="Candidate">As it introduced itself.</param>
    /// <param name="Generation">The newest that it was fenced to or has entered.</param>
    /// <param name="IsFenced">It was fenced to it, and not activated in it.</param>
    public sealed record MemberBack(Candidate Candidate, Generation Generation, bool IsFenced) : RunEvent;

    /// <summary>A member's process is attached as a free worker: it holds nothing of the run any more, or had not begun.</summary>
    public sealed record MemberFree(WorkerId Worker) : RunEvent;

    /// <summary>A person wants the run to end after a step, with a checkpoint.</summary>
    public sealed record StopRequested(string Reason) : RunEvent;

    /// <summary>Free workers may join, and some may not.</summary>
    public sealed record WorkersOffered(JoinDecision Decision) : RunEvent;

    /// <summary>A person wants another number of workers.</summary>
    public sealed record ScaleRequested(int Desired) : RunEvent;

    /// <summary>Workers are to leave for other runs of the pool.</summary>
    /// <param name="Workers">Members, and joiners that are not in yet.</param>
    /// <param name="Reason">In a sentence.</param>
    public sealed record ShareLowered(ImmutableArray<WorkerId> Workers, string Reason) : RunEvent;

    /// <summary>Workers that were to leave for other runs are not needed there.</summary>
    public sealed record LeaversKept(ImmutableArray<WorkerId> Workers) : RunEvent;

    /// <summary>It waits, and a run behind it starts before it on workers that it could have used.</summary>
    public sealed record Passed(RunId By) : RunEvent;

    /// <summary>A moment has gone by.</summary>
    /// <param name="Pulses">When each attached worker was heard last.</param>
    public sealed record Tick(ImmutableSortedDictionary<WorkerId, Pulse> Pulses) : RunEvent;

    /// <summary>The launcher could not start its workers, or has given up starting them again.</summary>
    public sealed record LaunchFailed(string Reason) : RunEvent;

    /// <summary>Everything up to a number is in the ledger's file, <see cref="LedgerWrite.Number"/>: whoever kills the process now does not lose it.</summary>
    public sealed record LedgerWritten(long Number) : RunEvent;

    /// <summary>The ledger's file could not be written. What failed is not in it.</summary>
    /// <param name="Written">Everything up to this number is.</param>
    /// <param name="Reason">In sentences: the path, the error, and what to do.</param>
    public sealed record LedgerFailed(long Written, string Reason) : RunEvent;

    /// <summary>A timer of an older generation is ignored.</summary>
    public sealed record TimerFired(RunTimer Timer, Generation Generation) : RunEvent;
}

/// <summary>What a run may wait for.</summary>
public enum RunTimer
{
    Unspecified = 0,

    /// <summary>More workers than workers.min; of an embedded run: all of its workers.</summary>
    Grace = 1,

    /// <summary>Every member's answer to Prepare.</summary>
    Prepare = 2,

    /// <summary>Every member's answer to Abort.</summary>
    Abort = 3,

    /// <summary>The last checkpoint of a run that failed, or whose writer is gone.</summary>
    Save = 4,

    /// <summary>Every member's answer to Fence.</summary>
    Fence = 5,

    /// <summary>A loss that explains a broken link.</summary>
    Link = 6,

    /// <summary>The end of a planned change.</summary>
    Change = 7,

    /// <summary>The next try of a last checkpoint that could not be written.</summary>
    SaveAgain = 8,

    /// <summary>A member's answer to ReportLedger.</summary>
    Ledger = 9,

    /// <summary>The members of a run whose coordinator was lost.</summary>
    Return = 10,

    /// <summary>The next try of a ledger that could not be written.</summary>
    LedgerAgain = 11,
}

/// <summary>How long a run waits for what.</summary>
public sealed record RunWaits
{
    /// <summary>For workers.desired once workers.min are there: about the time in which a batch system starts the rest.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For the processes that a launcher starts on its own machine: far more than a cold start takes.</summary>
    public TimeSpan Launch { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>For loading data, model and checkpoint: a large data set is hashed on the way.</summary>
    public TimeSpan Prepare { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>For the answer to Abort: a member finishes at most one logical rank's pass before it looks.</summary>
    public TimeSpan Abort { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For a piece of work of a member that has not taken a step in the run: it may compile, warm up and read a cold disk. As long as others wait for it.</summary>
    public TimeSpan FirstStep { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For a checkpoint, an evaluation or a copy of the state, while others wait for it: as long as for the last checkpoint of a failed run.</summary>
    public TimeSpan LongWork { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>For the answer to Fence: a member's control answers at once, so one that does not is stuck. The liveness rule sees a frozen one far earlier.</summary>
    public TimeSpan Fence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For members that are silent, or do not answer a fence, when nobody else holds the run's state: as long as their streams last when nobody answers a ping, and as
    /// long as a new coordinator waits for them.</summary>
    public TimeSpan LastCopy { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For the end of a stream when a member reports a broken link: the peer's death shows on both within this time, and a pause is hardly felt.</summary>
    public TimeSpan Link { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Until a worker that could not join, because of the way to it, may try again; twice as long each time.</summary>
    public TimeSpan Deferral { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For a planned change: connecting and a few of the longest steps. When it is over, the change is called off.</summary>
    public TimeSpan Change { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For members to come back to a new coordinator: they try four times a second, and whoever is not there by then may be lost too.</summary>
    public TimeSpan Return { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For the last checkpoint of a failed run: a large state on a slow disk.</summary>
    public TimeSpan Save { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Between two tries of a last checkpoint that could not be written.</summary>
    public TimeSpan SaveAgain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For what a member heard of the others' samples: it answers at once, so one that does not is stuck, and the next is asked.</summary>
    public TimeSpan Ledger { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often it is tried again: with the pause between them an hour, in which a person can make room on a full disk.</summary>
    public int SaveTries { get; init; } = 360;

    /// <summary>Between two tries of a ledger that could not be written: a try costs a system call.</summary>
    public TimeSpan LedgerAgain { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A run that has nothing else left to do waits for so many tries to fail, an hour, and ends without what its ledger lacks.</summary>
    public int LedgerTries { get; init; } = 3600;
}
