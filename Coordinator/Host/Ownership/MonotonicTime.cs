namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>A clock that nobody sets: it starts at the wall's time and then counts by the machine's. A lease is counted with it.</summary>
internal sealed class MonotonicTime(TimeProvider inner) : TimeProvider
{
    private readonly DateTimeOffset _start = inner.GetUtcNow();
    private readonly long _startedAt = inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => _start + inner.GetElapsedTime(_startedAt);

    public override long GetTimestamp() => inner.GetTimestamp();

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
}
