using Orchestrator.Coordinator.Host.Runs;

namespace Orchestrator.Coordinator.Tests.Folders;

public sealed class RunIdsTests
{
    /// <summary>Two of several hundred jobs that a script submitted in one second got the same id: the second was told that its folder is used.</summary>
    [Fact]
    public void New_ManyOfOneNameInOneMoment_AllDiffer()
    {
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var ids = Enumerable.Range(0, 1000).Select(_ => RunIds.New("char gpt!", now).Value).ToList();

        Assert.Equal(1000, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches("^char-gpt-20260102-030405-[0-9a-f]{8}$", id));
        Assert.All(ids, id => Assert.True(RunIds.IsGood(id)));
        Assert.True(RunIds.IsGood(RunIds.New(new string('x', 100), now).Value));
    }
}
