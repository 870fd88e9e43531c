using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Scheduling;

namespace Orchestrator.Coordinator.Core.Tests.Scheduling;

public sealed class ShareRuleTests
{
    /// <summary>Each takes some microseconds.</summary>
    private const int Seeds = 20_000;

    [Theory]
    [InlineData(4, "4", "1-4-4")]
    [InlineData(4, "2 2", "1-4-4 1-4-4")]
    [InlineData(4, "2 1 1", "1-1-9 1-1-9 1-1-9")]
    [InlineData(4, "1 1 1 1 0 0", "1-1-9 1-1-9 1-1-9 1-1-9 1-1-9 1-1-9")]
    [InlineData(5, "1 3 1", "1-1-1 1-4-9 1-1-1")]
    [InlineData(6, "3 1 2", "3-3-3 1-1-9 1-9-9")]
    [InlineData(3, "3 0 0", "2-2-4 2-2-4 1-1-1")]
    [InlineData(3, "0 3", "4-4-4 1-1-9")]
    [InlineData(0, "0 0", "1-1-1 2-2-2")]
    public void Decide_RunsOfOnePriority_ShareEvenlyAboveTheirLeast(int workers, string expected, string claims) =>
        Assert.Equal(expected, string.Join(' ', Decide(workers, [.. claims.Split(' ').Select(Waiting)]).Select(share => share.Total)));

    [Fact]
    public void Decide_ARunOfHigherPriorityCannotHaveItsLeast_LowerOnesGoDownToTheirsAndNotBelow()
    {
        var shares = Decide(5, [Waiting("3-3-3") with { Priority = 5 }, Started("2-2-8", 3), Started("1-1-8", 2)]);
        Assert.Equal([(ShareOutcome.Next, 0), (ShareOutcome.Admitted, 3), (ShareOutcome.Admitted, 2)], shares.Select(share => (share.Outcome, share.Total)));

        shares = Decide(6, [Waiting("3-3-3") with { Priority = 5 }, Started("2-2-8", 4), Started("1-1-8", 2)]);
        Assert.Equal([3, 2, 1], shares.Select(share => share.Total));
    }

    [Fact]
    public void Decide_WhoWaitsInFront_IsNotOvertakenUnlessThePoolIsTooSmallForIt()
    {
        Assert.Equal([ShareOutcome.Admitted, ShareOutcome.Next, ShareOutcome.Behind], Decide(4, [Started("3-3-3", 3), Waiting("2-2-2"), Waiting("1-1-1")]).Select(share => share.Outcome));
        Assert.Equal([ShareOutcome.Admitted, ShareOutcome.TooLarge, ShareOutcome.Admitted], Decide(4, [Started("3-3-3", 3), Waiting("5-5-5"), Waiting("1-1-1")]).Select(share => share.Outcome));
    }

    [Fact]
    public void Decide_TheOddWorker_StaysWithWhoHasIt() =>
        Assert.Equal([1, 2], Decide(3, [Started("1-1-9", 1), Started("1-1-9", 2)]).Select(share => share.Total));

    [Fact]
    public void Decide_OnlyOneKindFitsARun_TheOthersGiveThatKindUp()
    {
        // Two kinds; the first run may have either and holds both, the second needs the second kind.
        var shares = ShareRule.Decide([new ShareClaim(0, 1, 1, 9, true, [1, 1]), new ShareClaim(0, 1, 1, 9, false, [0, 0])], [new(1, [true, false]), new(1, [true, true])]);
        Assert.Equal([[1, 0], [0, 1]], shares.Select(share => share.OfKind));
    }

    /// <summary>The third needs what the second has, the second what the first has, and the first can take what nobody has.</summary>
    [Fact]
    public void Decide_AChainOfExchanges_EverybodyHasItsLeast()
    {
        var shares = ShareRule.Decide(
            [new ShareClaim(0, 1, 1, 1, true, [0, 1, 0]), new ShareClaim(0, 1, 1, 1, true, [0, 0, 1]), new ShareClaim(0, 1, 1, 1, false, [0, 0, 0])],
            [new(1, [true, false, false]), new(1, [true, true, false]), new(1, [false, true, true])]);
        Assert.Equal([[1, 0, 0], [0, 1, 0], [0, 0, 1]], shares.Select(share => share.OfKind));
    }

    [Fact]
    public void Decide_AnyClaims_KeepsEveryPromise()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var (workers, claims) = Draw(random);
            var shares = Decide(workers, claims);
            var why = WhyNot(workers, claims, shares);
            Assert.True(why is null, $"seed {seed}, {workers} workers: {why}\n{string.Join('\n', claims.Zip(shares, (claim, share) => $"{claim} holds {claim.HeldCount}: {share.Outcome} {share.Total}"))}");
        }
    }

    [Fact]
    public void Decide_OneWorkerMore_NobodyHasFewerWhenTheSameRunsAreIn()
    {
        var compared = 0;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var (workers, claims) = Draw(new Random(seed));
            var (few, more) = (Decide(workers, claims), Decide(workers + 1, claims));

            // A run that has lost members takes all that it lacks at once, and so more than the one worker that came.
            if (few.Zip(more).All(pair => pair.First.Outcome == ShareOutcome.Admitted == (pair.Second.Outcome == ShareOutcome.Admitted))
                && few.Zip(claims).All(pair => !pair.Second.IsStarted || pair.First.Total >= pair.Second.Min))
            {
                compared++;
                Assert.True(few.Zip(more).All(pair => pair.Second.Total >= pair.First.Total), $"seed {seed}: {string.Join(' ', few.Select(share => share.Total))}, then {string.Join(' ', more.Select(share => share.Total))}");
            }
        }

        Assert.True(compared > Seeds / 3, $"Only {compared} were compared.");
    }

    /// <summary>Runs are not churned: what was dealt out is dealt out again, and whoever cannot start moves nobody.</summary>
    [Fact]
    public void Decide_AgainOrWithoutThoseWhoCannotStart_NobodyMoves()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var (workers, claims) = Draw(new Random(seed));
            var first = Decide(workers, claims);
            var settled = claims.Zip(first, (claim, share) => claim with { IsStarted = claim.IsStarted || share.Outcome == ShareOutcome.Admitted, Held = share.OfKind }).ToImmutableArray();
            Assert.Equal(first.Select(share => share.Total), Decide(workers, settled).Select(share => share.Total));

            if (claims.Zip(first).Any(pair => pair.First.IsStarted && pair.Second.Total < pair.First.Min))
            {
                // One that has lost members comes next as well, and others behind it.
                continue;
            }

            var admitted = Enumerable.Range(0, claims.Length).Where(i => first[i].Outcome == ShareOutcome.Admitted).ToList();
            Assert.Equal(admitted.Select(i => first[i].Total), Decide(workers, [.. admitted.Select(i => claims[i])]).Select(share => share.Total));
        }
    }

    [Fact]
    public void Decide_AnyKinds_NobodyGetsWhatDoesNotFitAndNothingThatCouldBeUsedIsLeft()
    {
        for (var seed = 1; seed <= Seeds / 4; seed++)
        {
            var random = new Random(seed);
            var runs = random.Next(1, 5);
            var kinds = Enumerable.Range(0, random.Next(1, 4)).Select(_ => new WorkerKind(random.Next(0, 4), [.. Enumerable.Range(0, runs).Select(_ => random.Next(3) > 0)])).ToImmutableArray();
            var claims = Enumerable.Range(0, runs).Select(_ => Claim(random, 0) with { Held = [.. kinds.Select(_ => 0)] }).ToImmutableArray();
            var shares = ShareRule.Decide(claims, kinds);
            for (var kind = 0; kind < kinds.Length; kind++)
            {
                var used = shares.Sum(share => share.OfKind[kind]);
                Assert.True(used <= kinds[kind].Count, $"seed {seed}: {used} of kind {kind}");
                for (var run = 0; run < runs; run++)
                {
                    Assert.True(kinds[kind].IsFit[run] || shares[run].OfKind[kind] == 0, $"seed {seed}: run {run} has what does not fit");
                    Assert.True(used == kinds[kind].Count || !kinds[kind].IsFit[run] || shares[run].Outcome != ShareOutcome.Admitted || shares[run].Total == claims[run].Limit, $"seed {seed}: run {run} could have more");
                }
            }

            Assert.All(Enumerable.Range(0, runs), run => Assert.True(shares[run].Total == 0 || shares[run].Total >= claims[run].Min, $"seed {seed}"));
        }
    }

    private static string? WhyNot(int workers, ImmutableArray<ShareClaim> claims, ImmutableArray<Share> shares)
    {
        var left = workers - shares.Sum(share => share.Total);
        if (left < 0)
        {
            return $"{-left} workers too many";
        }

        for (var i = 0; i < claims.Length; i++)
        {
            var (claim, share) = (claims[i], shares[i]);
            var least = claim.IsStarted ? Math.Min(claim.Min, claim.HeldCount) : 0;
            if (share.Total < least || share.Total > claim.Limit || (!claim.IsStarted && share.Total > 0 && share.Total < claim.Min))
            {
                return $"run {i} has {share.Total}";
            }

            if (left > 0 && share.Outcome == ShareOutcome.Admitted && share.Total < claim.Limit)
            {
                return $"run {i} could have one of {left} that are left";
            }

            for (var j = 0; j < claims.Length; j++)
            {
                if (WhyNot(workers, (claim, share), (claims[j], shares[j]), j - i, claims, shares) is { } why)
                {
                    return $"run {i} and run {j}: {why}";
                }
            }
        }

        return null;
    }

    private static string? WhyNot(int workers, (ShareClaim Claim, Share Share) one, (ShareClaim Claim, Share Share) other, int behind, ImmutableArray<ShareClaim> claims, ImmutableArray<Share> shares)
    {
        var kept = other.Claim.IsStarted ? Math.Min(other.Claim.Min, other.Claim.HeldCount) : 0;
        if (one.Claim.Priority > other.Claim.Priority && one.Share.Outcome == ShareOutcome.Admitted && one.Share.Total >= one.Claim.Min && one.Share.Total < one.Claim.Desired && other.Share.Total > kept)
        {
            return "the lower one has what the higher one desires";
        }

        if (one.Share.Outcome is ShareOutcome.Next or ShareOutcome.Behind && behind > 0 && !other.Claim.IsStarted && other.Share.Total > 0)
        {
            return "the second overtakes the first";
        }

        if (one.Share.Outcome == ShareOutcome.Next)
        {
            // Everybody in front of it at its least, everybody behind it at what it may keep.
            var place = claims.IndexOf(one.Claim);
            var taken = claims.Select((claim, i) => i == place ? 0 : Math.Min(claim.Min, i < place && shares[i].Outcome == ShareOutcome.Admitted && (!claim.IsStarted || shares[i].Total >= claim.Min) ? claim.Min : claim.IsStarted ? claim.HeldCount : 0)).Sum();
            var desired = claims.Select((claim, i) => claim.Priority > one.Claim.Priority && shares[i].Outcome == ShareOutcome.Admitted ? Math.Max(0, Math.Min(shares[i].Total, claim.Desired) - claim.Min) : 0).Sum();
            if (taken + desired + one.Claim.Min <= workers)
            {
                return "the first waits although its least could be had";
            }
        }

        var isUnfair = one.Claim.Priority == other.Claim.Priority && one.Share.Outcome == ShareOutcome.Admitted && other.Share.Outcome == ShareOutcome.Admitted
            && other.Share.Total >= other.Claim.Min && one.Share.Total > other.Share.Total + 1 && one.Share.Total > one.Claim.Min
            && other.Share.Total < other.Claim.Limit && !(other.Share.Total >= other.Claim.Desired && one.Share.Total <= one.Claim.Desired);
        return isUnfair ? "their shares are more than one apart" : null;
    }

    private static ImmutableArray<Share> Decide(int workers, ImmutableArray<ShareClaim> claims) =>
        ShareRule.Decide(claims, [new WorkerKind(workers, [.. claims.Select(_ => true)])]);

    /// <summary>Runs in the order of the queue; those that have started hold no more than there are.</summary>
    private static (int Workers, ImmutableArray<ShareClaim> Claims) Draw(Random random)
    {
        var workers = random.Next(0, 14);
        var left = workers;
        var claims = Enumerable.Range(0, random.Next(0, 8)).Select(_ => Claim(random, random.Next(3))).OrderByDescending(claim => claim.Priority).ToArray();
        for (var i = 0; i < claims.Length; i++)
        {
            if (random.Next(2) == 0 && left > 0)
            {
                // One that has lost members may hold less than its least.
                var held = random.Next(1, Math.Min(left, claims[i].Limit) + 1);
                claims[i] = claims[i] with { IsStarted = true, Held = [held] };
                left -= held;
            }
        }

        return (workers, [.. claims]);
    }

    private static ShareClaim Claim(Random random, int priority)
    {
        var min = random.Next(1, 5);
        var desired = min + random.Next(0, 4);
        return new ShareClaim(priority, min, desired, desired + random.Next(0, 4), false, [0]);
    }

    /// <param name="text">min-desired-limit.</param>
    private static ShareClaim Waiting(string text) =>
        text.Split('-').Select(number => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture)).ToArray() is [var min, var desired, var limit]
            ? new ShareClaim(0, min, desired, limit, false, [0]) : throw new ArgumentException(text, nameof(text));

    private static ShareClaim Started(string text, int held) => Waiting(text) with { IsStarted = true, Held = [held] };
}
