namespace Orchestrator.Bulk.Server;

/// <summary>Streams that we ended first: what the peer had already sent on them is ignored, for as long as one of the last few.</summary>
internal sealed class RecentStreams
{
    // A peer hears of it within a round trip; these are more than it can have open at once by default.
    private const int Kept = 64;

    private readonly int[] _ids = new int[Kept];
    private int _next;

    public void Add(int streamId)
    {
        _ids[_next] = streamId;
        _next = (_next + 1) % Kept;
    }

    public bool Contains(int streamId) => _ids.AsSpan().Contains(streamId);
}
