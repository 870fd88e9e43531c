using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Scheduling;

namespace Orchestrator.Coordinator.Core.Tests.Scheduling;

/// <summary>Runs that start before others which wait for more workers than can be had now.</summary>
public sealed class PassTests
{
    private const int Seeds = 3000;

    /// <summary>Of a run, in ticks.</summary>
    private const int Longest = 12;

    [Fact]
    public void Decide_TheFirstCannotStart_SmallOnesPassItAsOftenAsTheyMay()
    {
        ImmutableArray<ShareClaim> claims = [Started(3, 3), Waiting(3) with { PassesLeft = 1 }, Waiting(1), Waiting(1)];
        var shares = Decide(5, claims);
        Assert.Equal([ShareOutcome.Admitted, ShareOutcome.Next, ShareOutcome.Admitted, ShareOutcome.Behind], shares.Select(share => share.Outcome));
        Assert.Equal([[], [], [1], []], shares.Select(share => share.Passes.ToArray()));

        Assert.Equal([3, 0, 1, 1], Decide(5, claims.SetItem(1, claims[1] with { PassesLeft = 2 })).Select(share => share.Total));
        Assert.Equal([3, 0, 0, 0], Decide(5, claims.SetItem(1, claims[1] with { PassesLeft = 0 })).Select(share => share.Total));
        Assert.Equal([3, 0, 0, 0], Decide(5, [.. claims.Select((claim, i) => claim with { Priority = i < 2 ? 1 : 0 })]).Select(share => share.Total));
    }

    /// <summary>Whoever is passed is asked, not only the first.</summary>
    [Fact]
    public void Decide_TwoWait_WhoPassesBothIsCountedByBoth()
    {
        var shares = Decide(6, [Started(3, 3), Waiting(5) with { PassesLeft = 4 }, Waiting(4) with { PassesLeft = 4 }, Waiting(2)]);
        Assert.Equal([1, 2], shares[3].Passes);
        Assert.Equal(ShareOutcome.Behind, Decide(6, [Started(3, 3), Waiting(5) with { PassesLeft = 4 }, Waiting(4), Waiting(2)])[3].Outcome);
    }

    /// <summary>The first waits for the kind that another run has; what is free it cannot use.</summary>
    [Fact]
    public void Decide_TheFirstCannotUseWhatIsFree_AnybodyStartsOnItAndNobodyIsPassed()
    {
        var shares = ShareRule.Decide(
            [new ShareClaim(3, 2, 2, 2, true, [2, 0]), new ShareClaim(2, 1, 1, 1, false, [0, 0]), new ShareClaim(0, 1, 1, 1, false, [0, 0])],
            [new(2, [true, true, false]), new(1, [false, false, true])]);
        Assert.Equal([ShareOutcome.Admitted, ShareOutcome.Next, ShareOutcome.Admitted], shares.Select(share => share.Outcome));
        Assert.Empty(shares[2].Passes);
    }

    /// <summary>Whoever passes is named where workers are missing then, and nowhere else; counted by Hall's condition, not by the rule's own dealing.</summary>
    [Fact]
    public void Decide_AnyKinds_PassesAreWhatTheyCost()
    {
        var (passed, harmless) = (0, 0);
        for (var seed = 1; seed <= 4 * Seeds; seed++)
        {
            var random = new Random(seed);
            var runs = random.Next(2, 6);
            var kinds = Enumerable.Range(0, random.Next(1, 4)).Select(_ => new WorkerKind(random.Next(0, 5), [.. Enumerable.Range(0, runs).Select(_ => random.Next(2) == 0)])).ToImmutableArray();
            var claims = Draw(random, kinds, runs);
            var shares = ShareRule.Decide(claims, kinds);
            var demands = claims.Select(claim => claim.IsStarted ? Math.Min(claim.Min, claim.HeldCount) : 0).ToArray();
            var used = new int[runs];
            for (var run = 0; run < runs; run++)
            {
                if (claims[run].IsStarted || shares[run].Outcome != ShareOutcome.Admitted)
                {
                    Assert.Empty(shares[run].Passes);
                    continue;
                }

                var waiting = Enumerable.Range(0, run).Where(i => !claims[i].IsStarted && shares[i].Outcome is ShareOutcome.Next or ShareOutcome.Behind).ToList();
                var before = waiting.Select(i => CouldHave(i, demands, claims, kinds)).ToList();
                demands[run] = claims[run].Min;
                var costs = waiting.Where((i, place) => CouldHave(i, demands, claims, kinds) < before[place]).ToList();
                Assert.True(costs.SequenceEqual(shares[run].Passes), $"seed {seed}: run {run} passes {string.Join(' ', shares[run].Passes)} and costs {string.Join(' ', costs)} some");
                costs.ForEach(i => used[i]++);
                passed += costs.Count;
                harmless += waiting.Count > 0 && costs.Count == 0 ? 1 : 0;
            }

            Assert.All(Enumerable.Range(0, runs), run => Assert.True(used[run] <= claims[run].PassesLeft, $"seed {seed}: run {run} is passed {used[run]} times"));
        }

        Assert.True(passed > 100 && harmless > 100, $"{passed} passes, {harmless} starts that cost nobody anything");
    }

    /// <summary>Small runs come without an end; the large one is passed as often as it may be, and starts when those in front of it and those that passed it have ended, at the latest one after the other.</summary>
    [Fact]
    public void Decide_SmallRunsComeWithoutAnEnd_TheLargeOneStarts()
    {
        var (passes, longest) = (0, 0);
        for (var seed = 1; seed <= Seeds / 10; seed++)
        {
            var queue = new Queue(new Random(seed));
            for (var tick = 0; tick < 20; tick++)
            {
                queue.Tick();
            }

            var inFront = queue.Waiting;
            var large = queue.Submit(queue.Workers);
            var waited = 0;
            for (; !large.IsStarted; waited++)
            {
                Assert.True(waited <= (inFront + PassRule.Most + 1) * (Longest + 1), $"seed {seed}: {inFront} were in front, {large.Passed} have passed it, it waits for {waited} ticks");
                queue.Tick();
            }

            Assert.InRange(large.Passed, 0, PassRule.Most);
            (passes, longest) = (passes + large.Passed, Math.Max(longest, waited));
        }

        Assert.True(passes > Seeds / 10, $"{passes} passes");
        TestContext.Current.SendDiagnosticMessage($"{passes} passes of {Seeds / 10} large runs; the longest wait was {longest} ticks.");
    }

    /// <summary>The most workers up to its least that a run can have beside the others' demands.</summary>
    private static int CouldHave(int run, int[] demands, ImmutableArray<ShareClaim> claims, ImmutableArray<WorkerKind> kinds)
    {
        var more = (int[])demands.Clone();
        for (var count = claims[run].Min; count > 0; count--)
        {
            more[run] = count;
            if (IsPossible(more, kinds))
            {
                return count;
            }
        }

        return 0;
    }

    /// <summary>Every set of runs finds enough workers that any of them can use.</summary>
    private static bool IsPossible(int[] demands, ImmutableArray<WorkerKind> kinds)
    {
        for (var set = 1; set < 1 << demands.Length; set++)
        {
            var members = Enumerable.Range(0, demands.Length).Where(run => (set >> run & 1) == 1).ToList();
            if (members.Sum(run => demands[run]) > kinds.Where(kind => members.Any(run => kind.IsFit[run])).Sum(kind => kind.Count))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Of one priority; some have started and hold their least, as far as there is enough.</summary>
    private static ImmutableArray<ShareClaim> Draw(Random random, ImmutableArray<WorkerKind> kinds, int runs)
    {
        var left = kinds.Select(kind => kind.Count).ToArray();
        return
        [
            .. Enumerable.Range(0, runs).Select(run =>
            {
                var (min, held) = (random.Next(1, 4), new int[kinds.Length]);
                for (var kind = 0; kind < kinds.Length && random.Next(2) == 0; kind++)
                {
                    held[kind] = kinds[kind].IsFit[run] ? Math.Min(left[kind], min - held.Sum()) : 0;
                }

                var isStarted = held.Sum() == min;
                for (var kind = 0; kind < kinds.Length; kind++)
                {
                    held[kind] = isStarted ? held[kind] : 0;
                    left[kind] -= held[kind];
                }

                return new ShareClaim(0, min, min + random.Next(0, 3), min + 2, isStarted, [.. held]) { PassesLeft = random.Next(0, 3) };
            }),
        ];
    }

    private static ImmutableArray<Share> Decide(int workers, ImmutableArray<ShareClaim> claims) =>
        ShareRule.Decide(claims, [new WorkerKind(workers, [.. claims.Select(_ => true)])]);

    private static ShareClaim Waiting(int count) => new(0, count, count, count, false, [0]);

    private static ShareClaim Started(int count, int held) => Waiting(count) with { IsStarted = true, Held = [held] };

    /// <summary>A pool of equal workers whose runs begin and end.</summary>
    private sealed class Queue(Random random)
    {
        private readonly List<Run> _runs = [];

        public int Workers { get; } = random.Next(2, 9);

        public int Waiting => _runs.Count(run => !run.IsStarted);

        public Run Submit(int min)
        {
            var run = new Run { Min = min, Ticks = random.Next(1, Longest + 1) };
            _runs.Add(run);
            return run;
        }

        /// <summary>Some come, some end, and what is decided is done.</summary>
        public void Tick()
        {
            for (var count = random.Next(0, 3); count > 0; count--)
            {
                Submit(random.Next(1, Math.Max(2, Workers / 2)));
            }

            _runs.RemoveAll(run => run.IsStarted && --run.Ticks == 0);
            var shares = Decide(Workers,
            [
                .. _runs.Select(run => new ShareClaim(0, run.Min, run.Min + 1, run.Min + 2, run.IsStarted, [run.Held]) { PassesLeft = run.IsStarted ? 0 : Math.Max(0, PassRule.Most - run.Passed) }),
            ]);
            for (var i = 0; i < _runs.Count; i++)
            {
                if (!_runs[i].IsStarted && shares[i].Outcome == ShareOutcome.Admitted)
                {
                    _runs[i].IsStarted = true;
                    shares[i].Passes.ToList().ForEach(passed => _runs[passed].Passed++);
                }

                _runs[i].Held = shares[i].Total;
            }
        }
    }

    private sealed class Run
    {
        public int Min { get; init; }

        public int Ticks { get; set; }

        public int Held { get; set; }

        public bool IsStarted { get; set; }

        public int Passed { get; set; }
    }
}
