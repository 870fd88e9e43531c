using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Samples per second: of the whole run from the end of its fifth step on, and of the last steps.</summary>
/// <param name="StartStep">Steps applied when it was started.</param>
/// <param name="Started">When that was.</param>
/// <param name="Base">Where the whole run's time begins; the first steps warm caches up and are left out.</param>
/// <param name="Recent">The newest marks, from old to new.</param>
/// <param name="Samples">Since the start.</param>
public sealed record RateClock(long StartStep, DateTimeOffset Started, RateClock.Mark Base, ImmutableArray<RateClock.Mark> Recent, long Samples)
{
    /// <summary>Steps at the beginning that do not count.</summary>
    public const int WarmupSteps = 5;

    /// <summary>Marks kept for the present speed: enough to smooth it, few enough to follow a change.</summary>
    private const int RecentMarks = 20;

    public static readonly RateClock Stopped = new(0, default, default, [], 0);

    public readonly record struct Mark(DateTimeOffset At, long Samples);

    public static RateClock Start(long startStep, DateTimeOffset now) => new(startStep, now, new Mark(now, 0), [new Mark(now, 0)], 0);

    /// <summary>A step with this many samples ended.</summary>
    public RateClock Tick(long step, long samples, DateTimeOffset now)
    {
        var mark = new Mark(now, Samples + samples);
        var recent = Recent.Length < RecentMarks ? Recent : Recent.RemoveAt(0);
        return this with { Samples = mark.Samples, Base = step == StartStep + WarmupSteps ? mark : Base, Recent = recent.Add(mark) };
    }

    /// <summary>Over the whole run; null when no time has gone by. A run that ends within its warm-up counts from its start.</summary>
    public double? Overall => Recent.IsEmpty ? null : Between(Base, Recent[^1]) ?? Between(new Mark(Started, 0), Recent[^1]);

    /// <summary>Over the last steps; null when no time has gone by.</summary>
    public double? Present => Recent.IsEmpty ? null : Between(Recent[0], Recent[^1]);

    private static double? Between(Mark from, Mark to)
    {
        var seconds = (to.At - from.At).TotalSeconds;
        return seconds > 0 && to.Samples > from.Samples ? (to.Samples - from.Samples) / seconds : null;
    }
}
