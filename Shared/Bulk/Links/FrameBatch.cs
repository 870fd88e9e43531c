using System.Runtime.InteropServices;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Messages;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Links;

/// <summary>Cuts messages into DATA frames and lists their bytes for one vectored send: heads from memory of its own, payloads from where they lie.</summary>
/// <param name="wire">Says what one send may take, and how its bytes are aligned.</param>
internal sealed unsafe class FrameBatch(Wire wire) : IDisposable
{
    private const int MaxFrames = 128;
    private const int MaxHeadBytes = FrameHeader.Bytes + SegmentCodec.MaxHeadBytes;

    private readonly byte* _heads = (byte*)NativeMemory.Alloc(MaxFrames * MaxHeadBytes);
    private int _headBytes;
    private int _frames;
    private long _bytes;
    private long _position;

    /// <summary>Control frames come first, then each frame has a head and may have a payload.</summary>
    public IoSlice* Slices { get; } = (IoSlice*)NativeMemory.Alloc((nuint)((2 * MaxFrames) + 1) * (nuint)sizeof(IoSlice));

    public int Count { get; private set; }

    /// <summary>DATA frames in it.</summary>
    public int Frames => _frames;

    public void Clear()
    {
        (Count, _headBytes, _frames, _bytes) = (0, 0, 0, 0);
        _position = wire.BuffersEachSend ? 0 : _position;
    }

    /// <summary>Adds bytes as they are. They stay where they are until the batch is sent.</summary>
    public void Add(byte* bytes, int count)
    {
        Slices[Count++] = new IoSlice(bytes, (nuint)count);
        _position += count;
    }

    /// <summary>Adds frames of a message while there is room and window.</summary>
    /// <param name="message">Its framed bytes are moved on.</param>
    /// <param name="streamId">Of the frames.</param>
    /// <param name="maxFrameBytes">The peer's.</param>
    /// <param name="window">Bytes that may be sent; what is used is taken off.</param>
    /// <returns>True: the whole message is in frames.</returns>
    public bool TryAdd(ref Outgoing message, int streamId, int maxFrameBytes, ref long window)
    {
        if (message.Framed == 0)
        {
            message.Padding = SegmentCodec.Padding(message.Header, _position + FrameHeader.Bytes);
        }

        var encoded = stackalloc byte[SegmentCodec.MaxHeadBytes];
        var headBytes = SegmentCodec.WriteHead(message.Header, message.Padding, new Span<byte>(encoded, SegmentCodec.MaxHeadBytes));
        var total = headBytes + message.Header.PayloadBytes;
        while (message.Framed < total)
        {
            // What a message's last frame has left of the batch's bytes is not worth a cut.
            var bytes = (int)Math.Min(Math.Min(total - message.Framed, maxFrameBytes), window);
            if (bytes == 0 || _frames == MaxFrames || _bytes >= wire.BytesAtATime)
            {
                return false;
            }

            var head = _heads + _headBytes;
            new FrameHeader(bytes, FrameType.Data, 0, streamId).Write(new Span<byte>(head, FrameHeader.Bytes));
            var ofHead = Math.Clamp(headBytes - message.Framed, 0, bytes);
            new ReadOnlySpan<byte>(encoded + message.Framed, ofHead).CopyTo(new Span<byte>(head + FrameHeader.Bytes, ofHead));
            Add(head, FrameHeader.Bytes + ofHead);
            _headBytes += FrameHeader.Bytes + ofHead;
            if (bytes > ofHead)
            {
                Add((byte*)message.Payload + (message.Framed + ofHead - headBytes), bytes - ofHead);
            }

            message.Framed += bytes;
            window -= bytes;
            _bytes += bytes;
            _frames++;
        }

        return true;
    }

    /// <summary>Adds the empty frame that ends the stream; there is always room in an empty batch.</summary>
    public void AddEnd(int streamId)
    {
        var head = _heads + _headBytes;
        new FrameHeader(0, FrameType.Data, FrameFlags.EndStream, streamId).Write(new Span<byte>(head, FrameHeader.Bytes));
        Add(head, FrameHeader.Bytes);
        _headBytes += FrameHeader.Bytes;
    }

    public void Dispose()
    {
        NativeMemory.Free(_heads);
        NativeMemory.Free(Slices);
    }
}
