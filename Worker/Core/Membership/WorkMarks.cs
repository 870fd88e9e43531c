using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>What a member's heartbeats say of its training thread.</summary>
public static class WorkMarks
{
    public static WorkMark Of(MemberState state) => state.Work switch
    {
        null => new WorkMark(WorkKind.Waiting, state.Applied),
        MemberWork.Compute work => new WorkMark(WorkKind.Computing, work.Step, work.Rank),
        MemberWork.Apply work => new WorkMark(WorkKind.Applying, work.Step),
        MemberWork.Finish work => new WorkMark(WorkKind.Finishing, work.Step),
        MemberWork.Snapshot => new WorkMark(WorkKind.Copying, state.Applied),
        MemberWork.LoadState work => new WorkMark(WorkKind.Loading, work.Step),
        var other => throw new ArgumentOutOfRangeException(nameof(state), other.GetType().Name, "This work has no mark; add it to WorkKind."),
    };
}
