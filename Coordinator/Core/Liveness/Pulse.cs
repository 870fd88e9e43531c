namespace Orchestrator.Coordinator.Core.Liveness;

/// <summary>How long a worker has been silent, and how long its silences usually are.</summary>
/// <param name="HeardAt">When it last said anything.</param>
/// <param name="Silence">Time since then in which the coordinator was there to hear it.</param>
/// <param name="Gap">The longest usual time between two of its messages: rises at once, falls slowly.</param>
/// <param name="Beats">It sends heartbeats: only then its silence means anything.</param>
public readonly record struct Pulse(DateTimeOffset HeardAt, TimeSpan Silence, TimeSpan Gap, bool Beats)
{
    /// <summary>Of the gap at each message: at four heartbeats a second a slow moment is forgotten within half a minute.</summary>
    private const double Decay = 0.98;

    /// <summary>The most that counts between two ticks: a coordinator that was frozen itself, or starved, has heard nobody.</summary>
    public static readonly TimeSpan MaxTick = TimeSpan.FromMilliseconds(500);

    public static Pulse First(DateTimeOffset now) => new(now, TimeSpan.Zero, TimeSpan.Zero, false);

    public Pulse Hear(bool isHeartbeat, DateTimeOffset now)
    {
        var gap = now - HeardAt;
        var usual = Gap * Decay;
        return new Pulse(now, TimeSpan.Zero, Beats && gap > usual ? gap : usual, Beats || isHeartbeat);
    }

    /// <param name="sinceLastTick">Time between this tick and the one before.</param>
    /// <param name="now">The time of this tick.</param>
    public Pulse Tick(TimeSpan sinceLastTick, DateTimeOffset now)
    {
        // What came in since the last tick is heard already: only the time behind it was silent.
        var silent = now - HeardAt < sinceLastTick ? now - HeardAt : sinceLastTick;
        return this with { Silence = Silence + (silent < MaxTick ? silent : MaxTick) };
    }
}
