namespace Orchestrator.Tools.Chaos;

/// <summary>What the deaths of owners did to the run: how long nobody owned it, and the longest steps then, beside those of the rest of the same run.</summary>
/// <param name="Deaths">In order.</param>
/// <param name="MedianMillis">Of all steps.</param>
/// <param name="TakeOverMillis">The longest step of each death, from the moment of the fault until the next owner had the members back.</param>
/// <param name="StartMillis">The longest step of each time in which the one that was hit was started again, or thawed: a process starts, and nobody waits for it.</param>
/// <param name="QuietMillis">The longest step of the rest, behind the first seconds.</param>
internal sealed record TakeOvers(
    IReadOnlyList<OwnerDeath> Deaths, double MedianMillis, IReadOnlyList<double> TakeOverMillis, IReadOnlyList<double> StartMillis, double QuietMillis)
{
    /// <summary>Programs warm up in this time.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    /// <param name="deaths">In order; their times do not overlap.</param>
    /// <param name="steps">Of the run. A step that was taken while nobody owned the run was recorded by the next owner: then it has a later time, within the same death.</param>
    /// <param name="trainsSince">When all first members were there.</param>
    public static TakeOvers Of(IReadOnlyList<OwnerDeath> deaths, IReadOnlyList<RunStep> steps, DateTimeOffset trainsSince)
    {
        var warm = steps.Where(step => step.Time >= trainsSince + WarmUp).ToList();
        var quiet = warm.Where(step => !deaths.Any(death => step.Time >= death.At && step.Time < death.MendedAt));
        return new TakeOvers(
            deaths, warm.Count == 0 ? 0 : warm.Select(Millis).Order().ElementAt(warm.Count / 2),
            [.. deaths.Select(death => Longest(steps, death.At, death.SettledAt))], [.. deaths.Select(death => Longest(steps, death.SettledAt, death.MendedAt))],
            quiet.Select(Millis).DefaultIfEmpty(0).Max());
    }

    /// <summary>Milliseconds from each fault until another owned the runs, rising.</summary>
    public IReadOnlyList<double> NobodyOwned => [.. Deaths.Select(death => (death.OwnedAt - death.At).TotalMilliseconds).Order()];

    /// <summary>Milliseconds from each fault until the members were back with the next owner, rising.</summary>
    public IReadOnlyList<double> Adopted => [.. Deaths.Where(death => death.AdoptedAt is not null).Select(death => (death.AdoptedAt!.Value - death.At).TotalMilliseconds).Order()];

    private static double Millis(RunStep step) => step.Seconds * 1000;

    private static double Longest(IEnumerable<RunStep> steps, DateTimeOffset from, DateTimeOffset to) =>
        steps.Where(step => step.Time >= from && step.Time < to).Select(Millis).DefaultIfEmpty(0).Max();
}
