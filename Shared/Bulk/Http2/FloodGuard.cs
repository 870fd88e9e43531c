namespace Orchestrator.Bulk.Http2;

/// <summary>Bounds how often a peer may send what costs us work and carries nothing: a bucket of tokens that refills evenly.</summary>
/// <remarks>Pure: the time is an argument. One thread at a time.</remarks>
/// <param name="perSecond">Tokens that come back in a second, and the most that can be saved up.</param>
internal struct FloodGuard(int perSecond)
{
    private const int MillisecondsPerSecond = 1000;

    // In thousandths of a token, so that a millisecond's refill is a whole number.
    private long _milliTokens = (long)perSecond * MillisecondsPerSecond;
    private long _refilledMilliseconds = long.MinValue;

    /// <param name="tokens">What the event costs.</param>
    /// <param name="nowMilliseconds">Of any clock that does not go back.</param>
    /// <returns>False: the peer is over the bound.</returns>
    public bool TryTake(int tokens, long nowMilliseconds)
    {
        if (_refilledMilliseconds == long.MinValue)
        {
            _refilledMilliseconds = nowMilliseconds;
        }

        var passed = Math.Clamp(nowMilliseconds - _refilledMilliseconds, 0, MillisecondsPerSecond);
        _refilledMilliseconds = nowMilliseconds;
        _milliTokens = Math.Min(_milliTokens + (passed * perSecond), (long)perSecond * MillisecondsPerSecond);
        _milliTokens -= (long)tokens * MillisecondsPerSecond;
        return _milliTokens >= 0;
    }

    /// <summary>Gives tokens for work of ours that asks for answers: a peer may update its window for every frame that it got.</summary>
    public void Earn(int tokens) =>
        _milliTokens = Math.Min(_milliTokens + ((long)tokens * MillisecondsPerSecond), (long)perSecond * MillisecondsPerSecond);
}
