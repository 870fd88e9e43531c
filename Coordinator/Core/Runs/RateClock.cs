using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Samples per second: of the whole run from the end of its fifth step on, and of the last steps.</summary>
/// <remarks>It is started once and goes on whatever happens: steps that are taken again cost time and bring no samples.</remarks>
/// <param name="StartStep">Steps applied when it was started.</param>
/// <param name="Started">When that was.</param>
/// <param name="HighestStep">Steps at or below it are taken again.</param>
/// <param name="Base">Where the whole run's time begins; the first steps warm caches up and are left out.</param>
/// <param name="Newest">The end of the highest step.</param>
/// <param name="Recent">The newest marks, from old to new; they count every step.</param>
public sealed record RateClock(
    long StartStep, DateTimeOffset Started, long HighestStep, RateClock.Mark Base, RateClock.Mark Newest, ImmutableArray<RateClock.Mark> Recent)
{
    /// <summary>Steps at the beginning that do not count.</summary>
    public const int WarmupSteps = 5;

    /// <summary>Marks kept for the present speed: enough to smooth it, few enough to follow a change.</summary>
    private const int RecentMarks = 20;

    public static readonly RateClock Stopped = new(0, default, 0, default, default, []);

    public readonly record struct Mark(DateTimeOffset At, long Samples);

    public static RateClock Start(long startStep, DateTimeOffset now) =>
        new(startStep, now, startStep, new Mark(now, 0), new Mark(now, 0), [new Mark(now, 0)]);

    /// <summary>A step with this many samples ended.</summary>
    public RateClock Tick(long step, long samples, DateTimeOffset now)
    {
        var recent = Recent.Length < RecentMarks ? Recent : Recent.RemoveAt(0);
        var next = this with { Recent = recent.Add(new Mark(now, Recent[^1].Samples + samples)) };
        if (step <= HighestStep)
        {
            return next;
        }

        var mark = new Mark(now, Newest.Samples + samples);
        return next with { HighestStep = step, Newest = mark, Base = step == StartStep + WarmupSteps ? mark : Base };
    }

    /// <summary>Over the whole run; null when no time has gone by. A run that ends within its warm-up counts from its start.</summary>
    public double? Overall => Between(Base, Newest) ?? Between(new Mark(Started, 0), Newest);

    /// <summary>Over the last steps; null when no time has gone by.</summary>
    public double? Present => Recent.IsEmpty ? null : Between(Recent[0], Recent[^1]);

    private static double? Between(Mark from, Mark to)
    {
        var seconds = (to.At - from.At).TotalSeconds;
        return seconds > 0 && to.Samples > from.Samples ? (to.Samples - from.Samples) / seconds : null;
    }
}
