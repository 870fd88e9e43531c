using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Connections;

/// <summary>Puts a HEADERS frame and its CONTINUATIONs together (RFC 9113, section 4.3): bounded in bytes and in frames.</summary>
internal sealed class HeaderBlock(BulkLimits limits)
{
    private readonly byte[] _bytes = new byte[limits.MaxHeaderBlockBytes];
    private int _used;
    private int _continuations;

    /// <summary>Whose block is open; 0: none. While one is open, the peer may send nothing else.</summary>
    public int StreamId { get; private set; }

    /// <summary>The HEADERS frame also ended the stream.</summary>
    public bool EndsStream { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _used);

    public void Begin(int streamId, bool endsStream)
    {
        (StreamId, EndsStream) = (streamId, endsStream);
        (_used, _continuations) = (0, 0);
    }

    /// <exception cref="Http2Exception">More frames than a block may have.</exception>
    public void CountContinuation()
    {
        if (++_continuations > limits.MaxContinuations)
        {
            throw new Http2Exception(ErrorCode.EnhanceYourCalm, $"The peer cut a header block into more than {limits.MaxContinuations + 1} frames.");
        }
    }

    /// <summary>Refuses a fragment before it is read, so that nothing of it is held.</summary>
    /// <exception cref="Http2Exception">The block would be too long.</exception>
    public void CheckRoom(int fragmentBytes)
    {
        if (fragmentBytes > _bytes.Length - _used)
        {
            throw new Http2Exception(ErrorCode.EnhanceYourCalm, $"The peer sent a header block of more than {_bytes.Length} bytes.");
        }
    }

    public void Append(ReadOnlySpan<byte> fragment)
    {
        fragment.CopyTo(_bytes.AsSpan(_used));
        _used += fragment.Length;
    }

    public void Close() => StreamId = 0;
}
