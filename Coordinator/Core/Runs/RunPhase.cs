using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Where a run stands. Closed set.</summary>
/// <remarks>Queued, Preparing, Running, then Ended; Aborting and Saving lie between a failure and the end.</remarks>
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
    /// <param name="StopReason">Why the members were asked to end early; null: they were not.</param>
    /// <param name="Finished">Members that have applied the last step.</param>
    public sealed record Running(
        Crew Crew, string? StopReason, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> Finished) : RunPhase;

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

/// <summary>The members of the generation that trains, and from where to where.</summary>
/// <param name="Members">By id; those that are still there.</param>
/// <param name="Ranks">Index of the first logical rank and count, of each member.</param>
/// <param name="StartStep">Steps that were applied before this generation.</param>
/// <param name="LastStep">The run ends when this many are applied.</param>
/// <param name="TotalSteps">Steps of the whole job.</param>
public sealed record Crew(
    ImmutableSortedDictionary<WorkerId, Candidate> Members, ImmutableSortedDictionary<WorkerId, Member> Ranks,
    long StartStep, long LastStep, long TotalSteps)
{
    public Crew Without(WorkerId worker) => this with { Members = Members.Remove(worker) };
}

/// <summary>The first cause of a failure.</summary>
/// <param name="Sentence">Names the worker, the step and the values.</param>
/// <param name="Kind">Whose mistake it is.</param>
/// <param name="HearsayOf">Set when a member reported what it saw from its end of a link: the loss of another member explains it better.</param>
/// <param name="IsStateGood">The members' state may be saved: false when they disagree about it.</param>
public sealed record FailureCause(string Sentence, FailureKind Kind, WorkerId? HearsayOf = null, bool IsStateGood = true)
{
    /// <param name="member">Who is gone.</param>
    /// <param name="step">The highest that anybody reported.</param>
    /// <param name="how">In words that follow a colon.</param>
    public static FailureCause Loss(Candidate member, long step, string how) =>
        new($"{Capital(member.Describe())} was lost at step {step}: {how.TrimEnd('.')}.", FailureKind.Environment);

    /// <summary>A member says that it cannot go on.</summary>
    public static FailureCause Of(Candidate member, WorkerMessage.Failed failed) => new(
        $"{Capital(member.Describe())} failed at step {failed.Step + 1}: {failed.Reason.TrimEnd('.')}.", failed.Kind,
        failed.Kind == FailureKind.Environment ? member.Worker : null);

    private static string Capital(string sentence) => char.ToUpperInvariant(sentence[0]) + sentence[1..];
}

/// <summary>How a run ended.</summary>
/// <param name="Result">Succeeded, failed or stopped.</param>
/// <param name="Reason">In a sentence.</param>
/// <param name="ExitCode">0, 1 or 3: of the process that waits for the run.</param>
/// <param name="WeightsSha256">Of the last checkpoint; null: the run wrote none.</param>
public sealed record RunOutcome(RunResult Result, string Reason, int ExitCode, string? WeightsSha256);

public enum RunResult
{
    Unspecified = 0,
    Succeeded = 1,
    Failed = 2,
    Stopped = 3,
}
