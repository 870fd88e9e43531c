using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>
/// Serializes messages with their frame headers into the response. A serializer that states the length first writes straight into the
/// response's memory. One thread at a time.
/// </summary>
internal sealed class PipeFrameWriter(PipeWriter output, int? maxMessageBytes) : SerializationContext
{
    private ArrayBufferWriter<byte>? _buffer;
    private int _payloadLength;
    private long _directStart;
    private State _state;

    private enum State
    {
        Idle,
        Begun,
        Direct,
        Buffered,
        Done,
    }

    /// <summary>True: a part of a message is in the response, which can only be reset.</summary>
    public bool IsBroken { get; private set; }

    /// <exception cref="WireException">The message exceeds the limit or could not be serialized.</exception>
    public void Write<T>(Marshaller<T> marshaller, T message)
    {
        _payloadLength = -1;
        _state = State.Begun;
        _buffer?.ResetWrittenCount();
        try
        {
            marshaller.ContextualSerializer(message, this);
            if (_state != State.Done)
            {
                throw new WireException(
                    StatusCode.Internal, $"The serializer of {typeof(T).Name} returned without SerializationContext.Complete. Call Complete once for each message.");
            }
        }
        catch (Exception exception)
        {
            IsBroken |= _state == State.Direct;
            throw exception as WireException
                ?? new WireException(StatusCode.Internal, $"A {typeof(T).Name} cannot be serialized: {exception.Message}", exception);
        }
        finally
        {
            _state = State.Idle;
        }
    }

    public override void SetPayloadLength(int payloadLength)
    {
        MessageFrame.CheckSend(payloadLength, maxMessageBytes);
        _payloadLength = payloadLength;
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        if (_state == State.Direct)
        {
            return output;
        }

        if (_payloadLength >= 0 && output.CanGetUnflushedBytes)
        {
            WriteHeader(_payloadLength);
            _directStart = output.UnflushedBytes;
            _state = State.Direct;
            return output;
        }

        _state = State.Buffered;
        return _buffer ??= new ArrayBufferWriter<byte>();
    }

    public override void Complete(byte[] payload)
    {
        SetPayloadLength(payload.Length);
        WriteHeader(payload.Length);
        output.Write(payload);
        _state = State.Done;
    }

    public override void Complete()
    {
        if (_state == State.Direct)
        {
            var written = output.UnflushedBytes - _directStart;
            if (written != _payloadLength)
            {
                throw new InvalidOperationException($"SetPayloadLength said {_payloadLength} bytes and {written} were written.");
            }
        }
        else
        {
            var payload = _buffer is null || _state != State.Buffered ? [] : _buffer.WrittenSpan;
            SetPayloadLength(payload.Length);
            WriteHeader(payload.Length);
            output.Write(payload);
        }

        _state = State.Done;
    }

    private void WriteHeader(int messageBytes)
    {
        MessageFrame.WriteHeader(output.GetSpan(MessageFrame.HeaderSize), messageBytes, isCompressed: false);
        output.Advance(MessageFrame.HeaderSize);
    }
}
