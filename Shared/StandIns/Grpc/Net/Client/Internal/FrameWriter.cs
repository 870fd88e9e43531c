using System.Buffers;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>
/// Serializes one message with its frame header into a pooled buffer, so that it goes out as one write. One thread at a time; disposal
/// gives the buffer back.
/// </summary>
internal sealed class FrameWriter(int? maxMessageBytes) : SerializationContext, IBufferWriter<byte>, IDisposable
{
    private const int InitialBytes = 1024;

    private byte[] _buffer = [];
    private int _used;
    private bool _completed;

    /// <exception cref="WireException">The message exceeds the limit.</exception>
    public ReadOnlyMemory<byte> Serialize<T>(Marshaller<T> marshaller, T message)
    {
        _used = MessageFrame.HeaderSize;
        _completed = false;
        try
        {
            marshaller.ContextualSerializer(message, this);
        }
        catch (Exception exception) when (exception is not WireException)
        {
            throw new WireException(StatusCode.Internal, $"A {typeof(T).Name} cannot be serialized: {exception.Message}", exception);
        }

        if (!_completed)
        {
            throw new WireException(
                StatusCode.Internal, $"The serializer of {typeof(T).Name} returned without SerializationContext.Complete. Call Complete once for each message.");
        }

        var messageBytes = _used - MessageFrame.HeaderSize;
        MessageFrame.CheckSend(messageBytes, maxMessageBytes);
        MessageFrame.WriteHeader(_buffer, messageBytes, isCompressed: false);
        return _buffer.AsMemory(0, _used);
    }

    public override void SetPayloadLength(int payloadLength)
    {
        MessageFrame.CheckSend(payloadLength, maxMessageBytes);
        Reserve(payloadLength);
    }

    public override IBufferWriter<byte> GetBufferWriter() => this;

    public override void Complete(byte[] payload)
    {
        SetPayloadLength(payload.Length);
        payload.CopyTo(_buffer, _used);
        Advance(payload.Length);
        Complete();
    }

    public override void Complete()
    {
        Reserve(0);
        _completed = true;
    }

    public void Advance(int count) => _used += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsSpan(_used);
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length - _used >= bytes && _buffer.Length > 0)
        {
            return;
        }

        var wanted = Math.Max(Math.Max((long)_used + bytes, Math.Min(_buffer.Length * 2L, Array.MaxLength)), InitialBytes);
        MessageFrame.CheckSend(wanted - MessageFrame.HeaderSize, null);
        var larger = ArrayPool<byte>.Shared.Rent((int)wanted);
        _buffer.AsSpan(0, Math.Min(_used, _buffer.Length)).CopyTo(larger);
        Dispose();
        _buffer = larger;
    }
}
