namespace Orchestrator.Bulk.Http2;

/// <summary>Finds a way on which nothing gets through any more, by the kernel's own count of what it sends again.</summary>
/// <remarks>
/// A peer whose process is starved, or frozen, answers no ping, but its kernel acknowledges what comes, if only to say that there is no room. So this asks nothing of the peer's
/// processes and may be far quicker than a ping's patience. When one direction of a way is cut, the other end sees it too: its segments come through and their
/// acknowledgements do not. Pure: the time is an argument.
/// </remarks>
internal struct LossWatch
{
    /// <summary>Without an acknowledgement between them. The kernel waits for at least 200 ms and then twice as long each time, so the third goes out after 1.4 s.</summary>
    private const int MostInARow = 3;

    /// <summary>For the answer to the last of them: longer than any way of one network.</summary>
    private const long AnswerMilliseconds = 250;

    private long? _since;

    /// <param name="now">Milliseconds of a clock that does not go back.</param>
    /// <param name="retransmissions">Of the oldest bytes that the peer's kernel has not acknowledged.</param>
    /// <returns>Whether the way is cut.</returns>
    public bool Tick(long now, int retransmissions)
    {
        if (retransmissions < MostInARow)
        {
            _since = null;
            return false;
        }

        _since ??= now;
        return now - _since >= AnswerMilliseconds;
    }
}
