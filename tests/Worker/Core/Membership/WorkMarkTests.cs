using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Worker.Core.Tests.Membership;

public sealed class WorkMarkTests
{
    private static readonly MemberState Idle = MemberState.Start(new WorkerId("w-1"), 4, [new ElementRange(0, 16)], 7);

    public static TheoryData<MemberWork?, WorkMark> Marks() => new()
    {
        { null, new WorkMark(WorkKind.Waiting, 7) },
        { new MemberWork.Compute(8, 3, true), new WorkMark(WorkKind.Computing, 8, 3) },
        { new MemberWork.Apply(8, new Generation(2), true, false, 100), new WorkMark(WorkKind.Applying, 8) },
        { new MemberWork.Finish(8, new Generation(2), true), new WorkMark(WorkKind.Finishing, 8) },
        { new MemberWork.Snapshot(1, new WorkerId("w-2"), "h:1"), new WorkMark(WorkKind.Copying, 7) },
        { new MemberWork.LoadState(1, 9), new WorkMark(WorkKind.Loading, 9) },
    };

    [Theory]
    [MemberData(nameof(Marks))]
    public void Of_EachWork_SaysWhatAndOfWhichStep(MemberWork? work, WorkMark expected) => Assert.Equal(expected, WorkMarks.Of(Idle with { Work = work }));

    /// <summary>A person reads these in the run's events.</summary>
    [Fact]
    public void Describe_EachKind_HasItsOwnWords() =>
        Assert.Distinct(Enum.GetValues<WorkKind>().Select(kind => new WorkMark(kind, 8, 3).Describe()));
}
