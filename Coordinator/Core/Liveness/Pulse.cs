using Orchestrator.Core.Messages;

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

    /// <summary>The stream on which it is heard.</summary>
    public long Connection { get; init; }

    /// <summary>What its last heartbeat said of its training thread.</summary>
    public WorkMark Work { get; init; }

    /// <summary>For how long its heartbeats have said that. Only time between two messages counts, so neither a coordinator that was away nor a network that held them up makes it longer.</summary>
    public TimeSpan Held { get; init; }

    public static Pulse First(long connection, DateTimeOffset now) => new(now, TimeSpan.Zero, TimeSpan.Zero, false) { Connection = connection };

    /// <param name="heartbeat">Null: it said something else.</param>
    /// <param name="now">When it came.</param>
    public Pulse Hear(WorkerMessage.Heartbeat? heartbeat, DateTimeOffset now)
    {
        var gap = now - HeardAt;
        var usual = Gap * Decay;
        var next = this with { HeardAt = now, Silence = TimeSpan.Zero, Gap = Beats && gap > usual ? gap : usual, Beats = Beats || heartbeat is not null };
        return heartbeat is null ? next
            : heartbeat.Work != Work ? next with { Work = heartbeat.Work, Held = TimeSpan.Zero }
            : next with { Held = Held + (gap < TimeSpan.Zero ? TimeSpan.Zero : gap < MaxTick ? gap : MaxTick) };
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
