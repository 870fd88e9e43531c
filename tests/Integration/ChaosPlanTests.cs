using System.Text.Json;
using Orchestrator.Tools.Chaos;

namespace Orchestrator.Integration.Tests;

/// <summary>Whom chaos hits, and how it counts what was lost. A verdict said that 1117 committed steps of a run of 625 were lost: the run had begun again at step 0, and every generation behind that was counted once more.</summary>
public sealed class ChaosPlanTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_ARunThatBeganAgain_CountsEachLostStepOnce()
    {
        var events = Events(
            ("generation.preparing", 1, 0), ("generation.formed", 1, 0), ("generation.formed", 2, 300), ("run.paused", 2, 450), ("generation.preparing", 5, 450), ("generation.formed", 5, 0),
            ("steps.lost", 5, 0), ("generation.formed", 6, 100), ("generation.formed", 7, 250), ("generation.formed", 8, 449));
        var steps = Enumerable.Range(1, 450).Select(step => Step(step, step <= 300 ? 1 : 2)).Concat(Enumerable.Range(1, 625).Select(step => Step(step, step <= 100 ? 5 : 8))).ToList();

        var setBack = Assert.Single(SetBack.Of(events, steps));

        Assert.Equal((5L, 450L, 0L, 450L), (setBack.Generation, setBack.From, setBack.To, setBack.LostSteps));
        Assert.Equal("generation 5 began behind step 0, and step 450 had been committed; the run said \"why of steps.lost 5\"", setBack.Describe());
    }

    [Fact]
    public void Of_ARunThatBeganAgainAndDidNotSaySo_TheVerdictSaysThat() => Assert.EndsWith(
        "the run said nothing of it",
        Assert.Single(SetBack.Of(Events(("generation.preparing", 1, 0), ("generation.formed", 1, 0), ("generation.preparing", 2, 9), ("generation.formed", 2, 0)), [Step(9, 1)])).Describe(), StringComparison.Ordinal);

    [Fact]
    public void Of_AGenerationThatDropsAComparedStep_IsFoundWithoutAnyLoad() =>
        Assert.Equal(3, Assert.Single(SetBack.Of(Events(("generation.formed", 1, 0), ("state.compared", 1, 20), ("generation.formed", 2, 17)), [])).LostSteps);

    /// <summary>Members of the next generation may have reported a step before the last of them says that it is in it.</summary>
    [Fact]
    public void Of_AStepThatWasRecordedUnderTheGenerationBefore_IsNotLost() =>
        Assert.Empty(SetBack.Of(Events(("generation.preparing", 1, 0), ("generation.formed", 1, 0), ("generation.formed", 2, 40)), [Step(40, 1), Step(41, 1), Step(42, 2)]));

    [Fact]
    public void Of_OneOfTwoWasHit_TheOtherIsLeftAlone()
    {
        var victims = new Victims();
        Assert.Equal(2, victims.Of(Members((1, 101), (2, 102)), 3, []).Count);
        victims.Hit(101);
        Assert.Empty(victims.Of(Members((1, 101), (2, 102)), 3, [Step(50, 3)]));
        Assert.Equal([("w-2", 102), ("w-3", 103)], victims.Of(Members((1, 101), (2, 102), (3, 103)), 3, []));
    }

    /// <summary>In the moment of a thaw the other one was killed; the one that had thawed was given up for its silence a moment later, and nobody was left.</summary>
    [Fact]
    public void Of_AMemberThatThawed_IsWellWhenAStepWasTakenWithItSince()
    {
        var victims = new Victims();
        var members = Members((1, 101), (2, 102));
        victims.Hit(101);
        victims.Mend(101, Start.AddSeconds(60));
        Assert.Empty(victims.Of(members, 3, []));
        Assert.Empty(victims.Of(members, 3, [Step(59, 3)]));
        Assert.Empty(victims.Of(members, 3, [Step(59, 3), Step(61, 2)]));
        Assert.Equal(2, victims.Of(members, 3, [Step(59, 3), Step(61, 3)]).Count);
    }

    /// <summary>Ten kills of one worker in ten minutes were all that `run` took: it was not started again, and behind thirty kills nobody was left to be hit.</summary>
    [Theory]
    [InlineData(2, 301)]
    [InlineData(0.1, 6001)]
    [InlineData(700, 2)]
    public void MostHits_OfOneProcess_CountsBothEndsOfTheTime(double everySeconds, int expected) =>
        Assert.Equal(expected, ChaosPlan.MostHits(TimeSpan.FromSeconds(everySeconds), TimeSpan.FromMinutes(10)));

    private static Dictionary<string, int> Members(params (int Number, int Pid)[] members) => members.ToDictionary(member => $"w-{member.Number}", member => member.Pid);

    /// <summary>One a second.</summary>
    private static RunStep Step(long step, long generation) => new(Start.AddSeconds(step), step, generation, 16, 1);

    private static List<JsonElement> Events(params (string Name, long Generation, long Step)[] events) =>
        [.. events.Select(each => JsonSerializer.SerializeToElement(new { @event = each.Name, generation = each.Generation, step = each.Step, reason = $"why of {each.Name} {each.Generation}" }))];
}
