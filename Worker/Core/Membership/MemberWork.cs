using Orchestrator.Core.Identities;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>One piece of work for the training thread, which does one at a time. Closed set.</summary>
public abstract record MemberWork
{
    private MemberWork() { }

    /// <summary>The pass of one logical rank, merged into the partials that are held.</summary>
    /// <param name="Step">The step, counted from 1.</param>
    /// <param name="Rank">The logical rank.</param>
    /// <param name="IsStreamed">Say of each bucket when it is final: all other ranks of the step are held.</param>
    public sealed record Compute(long Step, int Rank, bool IsStreamed) : MemberWork;

    /// <summary>Drop the step's partials, apply its reduced gradient, and save and evaluate when it is time.</summary>
    /// <param name="Step">The step.</param>
    /// <param name="Generation">Named in the reports.</param>
    /// <param name="IsLead">This member writes the checkpoint and evaluates.</param>
    /// <param name="IsLast">No step follows in this run.</param>
    /// <param name="Total">Steps of the whole job, for the schedule.</param>
    public sealed record Apply(long Step, Generation Generation, bool IsLead, bool IsLast, long Total) : MemberWork;

    /// <summary>See to it that the last state is saved, and report the end.</summary>
    public sealed record Finish(long Step, Generation Generation, bool IsLead) : MemberWork;

    /// <summary>Copy the state and begin to push it to a joiner.</summary>
    public sealed record Snapshot(long FeedId, WorkerId Joiner, string Address) : MemberWork;

    /// <summary>Take over the state that a feed brought.</summary>
    public sealed record LoadState(long FeedId, long Step) : MemberWork;
}
