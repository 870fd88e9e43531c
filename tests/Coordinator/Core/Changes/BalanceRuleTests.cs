using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Tests.Changes;

public sealed class BalanceRuleTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Decide_OneOfThreeTakesThreeTimesAsLong_GivesItsRanksToTheOthers()
    {
        var decision = BalanceRule.Decide(Crew(2, 3, 3), Paces(0.020, 0.020, 0.060), 0, Now);
        Assert.Equal([4, 3, 1], decision.Counts);
        Assert.Equal("w-3 takes 60 ms for a logical rank and the fastest 20 ms: a step's passes would take 80 ms instead of 180 ms.", decision.Reason);
    }

    [Fact]
    public void Decide_TheSlowOneIsWellAgain_GivesItItsShareBack() => Assert.Equal([3, 3, 2], BalanceRule.Decide(Crew(4, 3, 1), Paces(0.020, 0.020, 0.020), 0, Now).Counts);

    [Fact]
    public void Decide_SpeedsDifferALittle_ChangesNothing() => Assert.False(BalanceRule.Decide(Crew(2, 3, 3), Paces(0.020, 0.024, 0.018), 0, Now).IsChange);

    [Fact]
    public void Decide_AMemberIsTooSlowForAnyRank_LeavesItOneSoThatItsSpeedIsSeen() => Assert.Equal([7, 1], BalanceRule.Decide(Crew(4, 4), Paces(0.001, 1), 0, Now).Counts);

    [Fact]
    public void Decide_TooFewStepsAreMeasured_Waits() => Assert.False(BalanceRule.Decide(Crew(4, 4), Paces([0.01, 0.1], steps: 9), 0, Now).IsChange);

    /// <summary>Three workers on two processors: whoever the system favours for the moment is fast, and ranks went to and fro every three seconds for as long as the run lasted.</summary>
    [Theory]
    [InlineData(1, 6)]
    [InlineData(2, 12)]
    [InlineData(6, 192)]
    [InlineData(1000, 192)]
    public void Decide_RanksWereMovedBefore_WaitsTwiceAsLongEachTime(int moves, int seconds)
    {
        Assert.False(BalanceRule.Decide(Crew(4, 4), Paces(0.01, 0.1), moves, Now.AddSeconds(seconds - 3.001)).IsChange);
        Assert.True(BalanceRule.Decide(Crew(4, 4), Paces(0.01, 0.1), moves, Now.AddSeconds(seconds - 3)).IsChange);
    }

    [Fact]
    public void Decide_MoreMembersThanRanks_ChangesNothing() => Assert.False(BalanceRule.Decide(Crew(1, 1, 0), Paces(0.01, 0.1, 0.1), 0, Now).IsChange);

    private static Crew Crew(params int[] counts)
    {
        var first = 0;
        var ranks = counts.Select((count, i) => new Member(Id(i), "h:1", (first += count) - count, count)).ToImmutableSortedDictionary(member => member.Worker, member => member);
        var hello = new WorkerMessage.Hello(1, "h", "h:1", "", "avx2", "cpu", "", "1.0");
        return new Crew(
            new Generation(1), ranks.Keys.ToImmutableSortedDictionary(worker => worker, worker => new Candidate(worker, hello)), ranks, 0, 100, 100, new BatchSizes(8, 8));
    }

    private static ImmutableSortedDictionary<WorkerId, Pace> Paces(params double[] seconds) => Paces(seconds, steps: 10);

    private static ImmutableSortedDictionary<WorkerId, Pace> Paces(double[] seconds, int steps) =>
        seconds.Select((each, i) => KeyValuePair.Create(Id(i), new Pace(each, steps, Now.AddSeconds(-3)))).ToImmutableSortedDictionary();

    private static WorkerId Id(int index) => WorkerId.FromNumber(index + 1);
}
