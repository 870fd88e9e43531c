using System.Runtime.InteropServices;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Wires;

/// <summary>Reads frames off a wire: headers and small payloads through a buffer, large payloads past it.</summary>
/// <remarks>
/// A large payload is received in one call together with what follows it: first its own place, then this buffer, so that the next frame's
/// header costs no call of its own. One thread.
/// </remarks>
internal sealed unsafe class FrameSource : IDisposable
{
    // What a call may read ahead of a payload and so has to be copied: small next to a piece, enough for dozens of small frames.
    private const int AheadBytes = 4 * 1024;

    private readonly Wire _wire;
    private readonly byte* _buffer;
    private int _start;
    private int _end;

    /// <param name="wire">Not disposed of here.</param>
    /// <param name="bufferBytes">At least the longest run that <see cref="Take"/> is asked for.</param>
    public FrameSource(Wire wire, int bufferBytes)
    {
        _wire = wire;
        BufferBytes = Math.Max(bufferBytes, AheadBytes);
        _buffer = (byte*)NativeMemory.Alloc((nuint)BufferBytes);
    }

    public int BufferBytes { get; }

    /// <summary>Bytes that are here already.</summary>
    public int Held => _end - _start;

    /// <returns>False: the peer ended the connection between two frames.</returns>
    /// <exception cref="IOException">It broke, or ended within a frame's header.</exception>
    public bool TryReadHeader(out FrameHeader frame)
    {
        frame = default;
        if (Held == 0)
        {
            Refill();
            if (Held == 0)
            {
                return false;
            }
        }

        frame = FrameHeader.Read(Take(FrameHeader.Bytes));
        return true;
    }

    /// <summary>The next bytes, in the buffer; valid until the next call.</summary>
    public ReadOnlySpan<byte> Take(int bytes)
    {
        while (Held < bytes)
        {
            Fill();
        }

        var taken = new ReadOnlySpan<byte>(_buffer + _start, bytes);
        _start += bytes;
        return taken;
    }

    /// <summary>At least one and at most so many bytes, as they come; valid until the next call.</summary>
    public ReadOnlySpan<byte> TakeSome(int most)
    {
        if (Held == 0)
        {
            Fill();
        }

        return Take(Math.Min(most, Held));
    }

    /// <summary>Receives into a place: first what is in the buffer, then straight from the wire.</summary>
    /// <returns>Bytes that lie there now: at least one.</returns>
    public int Receive(byte* place, int bytes)
    {
        if (Held > 0)
        {
            var held = Math.Min(bytes, Held);
            Take(held).CopyTo(new Span<byte>(place, held));
            return held;
        }

        _start = _end = 0;
        var received = _wire.Receive(place, bytes, _buffer, AheadBytes);
        _end = Math.Max(0, received - bytes);
        return received > 0 ? Math.Min(received, bytes) : throw CutOff();
    }

    public void Skip(int bytes)
    {
        while (bytes > 0)
        {
            bytes -= TakeSome(bytes).Length;
        }
    }

    public void Dispose() => NativeMemory.Free(_buffer);

    private void Fill()
    {
        var before = Held;
        Refill();
        if (Held == before)
        {
            throw CutOff();
        }
    }

    private void Refill()
    {
        if (_start > 0)
        {
            new ReadOnlySpan<byte>(_buffer + _start, Held).CopyTo(new Span<byte>(_buffer, Held));
            (_start, _end) = (0, Held);
        }

        _end += _wire.Receive(_buffer + _end, Math.Min(BufferBytes - _end, AheadBytes));
    }

    private static EndOfStreamException CutOff() => new("the connection ended within a frame");
}
