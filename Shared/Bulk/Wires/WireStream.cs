namespace Orchestrator.Bulk.Wires;

/// <summary>A wire as a stream, for TLS to stand on.</summary>
internal sealed unsafe class WireStream(Wire wire) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        fixed (byte* address = buffer)
        {
            // TLS asks with an empty buffer to hear when bytes are there; then it asks again.
            return buffer.IsEmpty ? 0 : wire.Receive(address, buffer.Length);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => wire.SendAll(buffer);

    public override void Write(byte[] buffer, int offset, int count) => wire.SendAll(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // Nothing is held back.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
