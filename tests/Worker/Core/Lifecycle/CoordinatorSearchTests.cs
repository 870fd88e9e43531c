using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Worker.Core.Tests.Lifecycle;

/// <summary>Where a worker looks for the owner of the runs, told as a script: an attempt's end, and the next address with the wait before it.</summary>
public sealed class CoordinatorSearchTests
{
    private CoordinatorSearch _search = CoordinatorSearch.Start(["a", "b", "c"]);

    [Fact]
    public void Refused_ByAll_GoesRoundAndWaitsTwiceAsLongAfterEachRound()
    {
        Assert.Equal("a", _search.Address);
        foreach (var wait in new[] { 200, 400, 800, 1600, 3200, 5000, 5000 })
        {
            Expect(null, "b", 0);
            Expect(null, "c", 0);
            Expect(null, "a", wait);
        }
    }

    [Fact]
    public void Refused_OfAMember_WaitsAQuarterOfASecondAfterEveryRound()
    {
        for (var round = 0; round < 5; round++)
        {
            Expect(null, "b", 0, isMember: true);
            Expect(null, "c", 0, isMember: true);
            Expect(null, "a", 250, isMember: true);
        }
    }

    [Fact]
    public void Refused_WithTheOwnersAddress_GoesThereAtOnceAlsoWhenItIsNotOnTheList()
    {
        Expect("d", "d", 0);
        // It does not answer: the list goes on, and no other hint of this round is followed.
        Expect(null, "b", 0);
        Expect("d", "c", 0);
        Expect("d", "a", 200);
        Expect("d", "d", 0);
    }

    [Fact]
    public void Refused_TwoStandbysNameEachOther_TheRoundEndsAllTheSame()
    {
        _search = CoordinatorSearch.Start(["a", "b"]);
        Expect("b", "b", 0);
        Expect("a", "b", 0);
        Expect("a", "a", 200);
    }

    [Fact]
    public void Refused_ByTheOnlyOne_WaitsAndTriesItAgainWithoutALimitOfTime()
    {
        _search = CoordinatorSearch.Start(["a"]);
        Assert.Null(_search.Patience);
        Expect(null, "a", 200);
        Expect(null, "a", 400);
    }

    [Fact]
    public void Again_AfterABrokenStream_BeginsWhereItWas()
    {
        Expect(null, "b", 0);
        _search = _search.Again(isLeft: false);
        Assert.Equal("b", _search.Address);
        Expect(null, "c", 0);
        Expect(null, "a", 0);
        Expect(null, "b", 200);
    }

    [Fact]
    public void Again_AfterItWasLeft_PassesItOverForAWhileWhoeverNamesIt()
    {
        // The owner is frozen: standbys still name it, for its lease has not lapsed.
        Expect("b", "b", 0);
        _search = _search.Again(isLeft: true);
        Assert.Equal("c", _search.Address);
        for (var round = 1; round < CoordinatorSearch.RoundsPassedOver; round++)
        {
            Expect("b", "a", 0, isMember: true);
            Expect("b", "c", 250, isMember: true);
        }

        Expect("b", "a", 0, isMember: true);
        Expect("b", "c", 250, isMember: true);
        // Nobody else took the lease: it is asked again.
        Expect("b", "b", 0, isMember: true);
    }

    [Fact]
    public void Again_TheOnlyOneWasLeft_IsTriedAgain()
    {
        _search = CoordinatorSearch.Start(["a"]).Again(isLeft: true);
        Assert.Equal("a", _search.Address);
        Expect(null, "a", 250, isMember: true);
    }

    [Fact]
    public void Again_TheOneWasLeftThatAStandbyNamed_GoesOnAlongTheList()
    {
        Expect("d", "d", 0);
        _search = _search.Again(isLeft: true);
        Assert.Equal("b", _search.Address);
        Expect("d", "c", 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(CoordinatorSearch.MostAddresses + 1)]
    public void Start_TooFewOrTooMany_IsAnError(int count) =>
        Assert.Throws<ArgumentException>(() => CoordinatorSearch.Start([.. Enumerable.Range(0, count).Select(number => $"h:{number}")]));

    private void Expect(string? owner, string next, int waitMillis, bool isMember = false)
    {
        (_search, var wait) = _search.Refused(owner, isMember);
        Assert.Equal((next, TimeSpan.FromMilliseconds(waitMillis)), (_search.Address, wait));
    }
}
