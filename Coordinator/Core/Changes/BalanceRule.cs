using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>How fast a member computes, as it reports it.</summary>
/// <param name="SecondsPerRank">Of reading and computing one logical rank, smoothed.</param>
/// <param name="Steps">Measured in this generation.</param>
/// <param name="Since">When the first of them was reported.</param>
public readonly record struct Pace(double SecondsPerRank, int Steps, DateTimeOffset Since)
{
    /// <summary>Of a new step: a moment's disturbance is forgotten within some ten steps.</summary>
    private const double Weight = 0.2;

    public Pace With(double secondsPerRank) => this with { SecondsPerRank = SecondsPerRank + (Weight * (secondsPerRank - SecondsPerRank)), Steps = Steps + 1 };
}

/// <summary>Whether logical ranks move, to whom, and why.</summary>
/// <param name="Counts">Ranks of each member, by id; default: they stay.</param>
/// <param name="Reason">With numbers.</param>
public readonly record struct BalanceDecision(ImmutableArray<int> Counts, string Reason)
{
    public bool IsChange => !Counts.IsDefault;
}

/// <summary>Moves logical ranks from slow members to fast ones when a step would be a good deal shorter. The bits do not depend on who computes a rank.</summary>
public static class BalanceRule
{
    /// <summary>Less is not worth a change of generation, and processes that share cores differ by as much from moment to moment.</summary>
    private const double WorthIt = 1.3;

    /// <summary>Of a generation, before its speeds are trusted.</summary>
    private const int LeastSteps = 10;

    private static readonly TimeSpan LeastTime = TimeSpan.FromSeconds(3);

    /// <summary>Up to about three minutes: speeds that last so long are no moment's.</summary>
    private const int MostDoublings = 6;

    /// <summary>How long a generation's speeds are looked at. Twice as long after each move with the same members: speeds that change from moment to moment would move the ranks for ever.</summary>
    /// <param name="moves">Moves since the members changed.</param>
    public static TimeSpan Waits(int moves) => LeastTime * (1 << Math.Min(moves, MostDoublings));

    /// <param name="crew">Who owns how many ranks now.</param>
    /// <param name="paces">What the members reported.</param>
    /// <param name="moves">Moves since the members changed.</param>
    /// <param name="now">The time of the last report.</param>
    public static BalanceDecision Decide(Crew crew, ImmutableSortedDictionary<WorkerId, Pace> paces, int moves, DateTimeOffset now)
    {
        var members = crew.Members.Keys.ToImmutableArray();
        ImmutableArray<int> present = [.. members.Select(worker => crew.Ranks[worker].RankCount)];
        if (members.Length < 2 || members.Length > present.Sum()
            || !members.All(worker => paces.TryGetValue(worker, out var pace) && pace.Steps >= LeastSteps && now - pace.Since >= Waits(moves) && pace.SecondsPerRank > 0))
        {
            return new BalanceDecision(default, "Not every member's speed is known.");
        }

        ImmutableArray<double> seconds = [.. members.Select(worker => paces[worker].SecondsPerRank)];
        var counts = Share(seconds, present.Sum());
        var (before, after) = (Longest(present, seconds), Longest(counts, seconds));
        var slowest = seconds.IndexOf(seconds.Max());
        var reason = string.Create(
            CultureInfo.InvariantCulture,
            $"{members[slowest]} takes {seconds[slowest] * 1000:0.#} ms for a logical rank and the fastest {seconds.Min() * 1000:0.#} ms: a step's passes would take {after * 1000:0.#} ms instead of {before * 1000:0.#} ms.");
        return new BalanceDecision(before >= after * WorthIt ? counts : default, reason);
    }

    /// <summary>One rank after another to whoever would be done with it first; everybody keeps one, so that its speed is seen.</summary>
    private static ImmutableArray<int> Share(ImmutableArray<double> seconds, int ranks)
    {
        var counts = Enumerable.Repeat(1, seconds.Length).ToArray();
        var next = new PriorityQueue<int, (double Done, int Index)>(counts.Select((_, i) => (i, (2 * seconds[i], i))));
        for (var dealt = counts.Length; dealt < ranks; dealt++)
        {
            var best = next.Peek();
            counts[best]++;
            next.DequeueEnqueue(best, ((counts[best] + 1) * seconds[best], best));
        }

        return [.. counts];
    }

    private static double Longest(ImmutableArray<int> counts, ImmutableArray<double> seconds) => counts.Select((count, i) => count * seconds[i]).Max();
}
