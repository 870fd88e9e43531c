namespace Orchestrator.Bulk.Http2;

/// <summary>What a quiet connection calls for.</summary>
internal enum KeepAliveAction
{
    None,
    Ping,
    Dead,
}

/// <summary>Finds a peer that is gone without a word: a ping after a silence, and an end when that stays unanswered.</summary>
/// <remarks>Pure: the time is an argument. Anything received counts as an answer.</remarks>
/// <param name="delay">The silence before a ping. Zero or less: never.</param>
/// <param name="timeout">How long an answer may take.</param>
internal struct KeepAlive(TimeSpan delay, TimeSpan timeout)
{
    private readonly long _delay = (long)delay.TotalMilliseconds;
    private readonly long _timeout = (long)timeout.TotalMilliseconds;
    private long _pingedAt = long.MinValue;

    /// <param name="now">Milliseconds of a clock that does not go back.</param>
    /// <param name="lastAlive">When the peer last gave a sign of life, by the same clock.</param>
    public KeepAliveAction Tick(long now, long lastAlive)
    {
        if (_delay <= 0)
        {
            return KeepAliveAction.None;
        }

        if (_pingedAt != long.MinValue && lastAlive >= _pingedAt)
        {
            _pingedAt = long.MinValue;
        }

        if (_pingedAt != long.MinValue)
        {
            return now - _pingedAt >= _timeout ? KeepAliveAction.Dead : KeepAliveAction.None;
        }

        if (now - lastAlive < _delay)
        {
            return KeepAliveAction.None;
        }

        _pingedAt = now;
        return KeepAliveAction.Ping;
    }
}
