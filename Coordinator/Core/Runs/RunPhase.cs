using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Where a run stands. Closed set.</summary>
/// <remarks>Queued, Preparing, Running, then Ended. A loss leads from Running over Regrouping, and Paused when too few are left, back to
/// Running; Aborting and Saving lie between a failure of the run and its end. Reviving follows the loss of the coordinator.</remarks>
public abstract record RunPhase
{
    private RunPhase() { }

    /// <summary>Waits for workers.</summary>
    /// <param name="IsGraceRunning">The timer that ends the wait for workers.desired was started.</param>
    /// <param name="IsGraceOver">workers.min suffice from now on.</param>
    public sealed record Queued(bool IsGraceRunning, bool IsGraceOver) : RunPhase;

    /// <summary>The members load data, model and checkpoint and pin their numerics.</summary>
    /// <param name="Isa">The level that they pin.</param>
    /// <param name="Members">Everyone who was asked and is still there.</param>
    /// <param name="Answers">Those who are ready.</param>
    public sealed record Preparing(
        string Isa, ImmutableSortedDictionary<WorkerId, Candidate> Members,
        ImmutableSortedDictionary<WorkerId, WorkerMessage.Prepared> Answers) : RunPhase
    {
        /// <summary>Former members that start afresh and attach again as new workers: the run waits for them.</summary>
        public ImmutableSortedSet<WorkerId> Returning { get; init; } = [];
    }

    /// <summary>Steps are taken.</summary>
    /// <param name="Crew">Who does it.</param>
    /// <param name="Finished">Members that have applied the last step.</param>
    public sealed record Running(Crew Crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> Finished) : RunPhase
    {
        /// <summary>Members that are not known to be in the generation yet: a planned change waits for all of them.</summary>
        public ImmutableSortedSet<WorkerId> Entering { get; init; } = [.. Crew.Members.Keys];

        /// <summary>The planned change that is under way; null: none is.</summary>
        public PlannedChange? Change { get; init; }

        /// <summary>The members of this generation were asked to end after a step.</summary>
        public bool IsEnding { get; init; }

        /// <summary>Links that members reported as broken, and whose fate the timer decides.</summary>
        public ImmutableSortedSet<BrokenLink> BrokenLinks { get; init; } = [];

        /// <summary>Who was asked for the last checkpoint because its writer is gone; null: nobody was.</summary>
        public WorkerId? Saver { get; init; }

        /// <summary>The last checkpoint could not be written, so it is tried again; null: it was not tried, or is written.</summary>
        public SaveRetry? Retry { get; init; }

        /// <summary>All else is done, and the run ends when its ledger is written.</summary>
        public bool IsLedgerAwaited { get; init; }

        /// <summary>It ends without that: a person stopped it, or it could not be written for too long.</summary>
        public bool IsLedgerGivenUp { get; init; }

        /// <summary>Who was asked for what those who are gone fed last; null: nobody was.</summary>
        public LedgerQuestion? Question { get; init; }
    }

    /// <summary>A member was lost: those who are left drop the exchange and say what they hold.</summary>
    /// <param name="Next">The generation that comes.</param>
    /// <param name="Crew">Everyone who was fenced and is still there; the ranks are those of the generation that is given up.</param>
    /// <param name="Answers">Who has answered.</param>
    /// <param name="Finished">Members that have applied the last step.</param>
    /// <param name="Cause">Why, and since when.</param>
    public sealed record Regrouping(
        Generation Next, Crew Crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Fenced> Answers,
        ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> Finished, RegroupCause Cause) : RunPhase;

    /// <summary>Fewer than workers.min are left. They stay fenced and keep what they hold.</summary>
    /// <param name="Next">The generation to which they are fenced.</param>
    /// <param name="Crew">Who is left; the ranks are those of the generation that was given up.</param>
    /// <param name="Answers">What they hold.</param>
    /// <param name="Finished">Members that have applied the last step.</param>
    /// <param name="Cause">Why, and since when.</param>
    public sealed record Paused(
        Generation Next, Crew Crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Fenced> Answers,
        ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> Finished, RegroupCause Cause) : RunPhase
    {
        /// <summary>The last step that anybody has decided.</summary>
        public long Decided => Answers.Values.Max(answer => answer.Decided);
    }

    /// <summary>Its coordinator was lost and another one owns it, or the streams of all members had ended: the members come back.</summary>
    /// <param name="Crew">Everyone who was a member, or was about to be one.</param>
    /// <param name="Back">Those who are back, and the newest generation that each was fenced to or has entered.</param>
    /// <param name="IsChanging">The members were about to change, or somebody is lost: they must regroup.</param>
    /// <param name="RecordedStep">Reports up to this step are recorded; members tell the others again.</param>
    public sealed record Reviving(Crew Crew, ImmutableSortedDictionary<WorkerId, Generation> Back, bool IsChanging, long RecordedStep) : RunPhase
    {
        /// <summary>The coordinator is the one that it was: the streams of all members had ended.</summary>
        public bool IsSameOwner { get; init; }

        /// <summary>What those who are back have told so far: heard when all have told everything, for it may be of different times.</summary>
        public ImmutableQueue<RunEvent.WorkerSaid> Heard { get; init; } = [];

        /// <summary>Those who have told everything that they kept.</summary>
        public ImmutableSortedSet<WorkerId> CaughtUp { get; init; } = [];

        /// <summary>Nobody else is waited for.</summary>
        public bool IsTimeOver { get; init; }

        /// <summary>Waits in which nobody came.</summary>
        public int Waits { get; init; }

        /// <summary>The member that this process was and that is not back; null: none. Two processes never listen for their peers at the same address of a host.</summary>
        public WorkerId? Find(WorkerMessage.Hello hello)
        {
            foreach (var (worker, member) in Crew.Members)
            {
                if (!Back.ContainsKey(worker) && (member.Hello.Pid, member.Hello.Host, member.Hello.CollectiveAddress) == (hello.Pid, hello.Host, hello.CollectiveAddress))
                {
                    return worker;
                }
            }

            return null;
        }
    }

    /// <summary>The generation is given up; the members that are left say what they hold.</summary>
    /// <param name="Crew">Who is left.</param>
    /// <param name="Cause">Why the run fails.</param>
    /// <param name="Awaiting">Members whose Aborted is missing.</param>
    /// <param name="AppliedSteps">What the others hold.</param>
    public sealed record Aborting(
        Crew Crew, FailureCause Cause, ImmutableSortedSet<WorkerId> Awaiting, ImmutableSortedDictionary<WorkerId, long> AppliedSteps) : RunPhase;

    /// <summary>One member writes the last state that is held.</summary>
    /// <param name="Crew">Who is left.</param>
    /// <param name="Cause">Why the run fails.</param>
    /// <param name="Saver">Who was asked.</param>
    /// <param name="Step">The step that the saver holds.</param>
    /// <param name="AppliedSteps">Who else could be asked, and what they hold.</param>
    public sealed record Saving(
        Crew Crew, FailureCause Cause, WorkerId Saver, long Step, ImmutableSortedDictionary<WorkerId, long> AppliedSteps) : RunPhase;

    public sealed record Ended(RunOutcome Outcome) : RunPhase;
}
