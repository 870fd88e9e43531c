using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Reads the request messages of a call out of the connection's memory, without a copy. One read at a time.</summary>
internal sealed class RequestStreamReader<T>(HttpServerCallContext context, Marshaller<T> marshaller) : IAsyncStreamReader<T>
    where T : class
{
    private readonly PipeReader _body = context.HttpContext.Request.BodyReader;
    private readonly MessageDeserializationContext _deserialization = new();
    private T? _current;
    private int _reading;

    public T Current => _current
        ?? throw new InvalidOperationException("The request stream has no current message. Call MoveNext, and read Current only when it returned true.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (context.IsEnded)
        {
            throw new InvalidOperationException($"The call of {context.Method} has ended, so no message can be read. Stop reading when ServerCallContext.CancellationToken is cancelled.");
        }

        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            throw new InvalidOperationException("A read of the request stream is under way. Wait for it before the next one.");
        }

        try
        {
            using var both = cancellationToken.CanBeCanceled
                ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, context.CancellationToken)
                : null;
            _current = await ReadAsync(both?.Token ?? context.CancellationToken).ConfigureAwait(false);
            return _current is not null;
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>Reads a request of exactly one message.</summary>
    /// <exception cref="WireException">There is none, or more than one.</exception>
    public async Task<T> ReadSingleAsync()
    {
        var message = await ReadAsync(context.CancellationToken).ConfigureAwait(false)
            ?? throw new WireException(StatusCode.Internal, $"The request of {context.Method} ended without a message; one was expected.");
        return await ReadAsync(context.CancellationToken).ConfigureAwait(false) is null
            ? message
            : throw new WireException(StatusCode.Internal, $"The request of {context.Method} has bytes after its message; one message was expected.");
    }

    // Kestrel has several exceptions for a client that left, and may throw them before it cancels the request. The method sees one.
    private async ValueTask<T?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ReadFrameAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            await context.CancelAsync().ConfigureAwait(false);
            throw new OperationCanceledException(
                $"The client of {context.Method} broke the request off: {exception.Message}", exception, context.CancellationToken);
        }
    }

    private async ValueTask<T?> ReadFrameAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await _body.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (TryParse(buffer, out var message, out var consumed))
            {
                _body.AdvanceTo(consumed);
                return message;
            }

            if (result.IsCompleted)
            {
                return buffer.IsEmpty
                    ? null
                    : throw new WireException(
                        StatusCode.Internal, $"The request of {context.Method} ended inside a message, after {buffer.Length} bytes of its frame.");
            }

            _body.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private bool TryParse(in ReadOnlySequence<byte> buffer, out T? message, out SequencePosition consumed)
    {
        message = null;
        consumed = buffer.Start;
        if (buffer.Length < MessageFrame.HeaderSize)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[MessageFrame.HeaderSize];
        buffer.Slice(0, MessageFrame.HeaderSize).CopyTo(header);
        var (messageBytes, isCompressed) = MessageFrame.ReadHeader(header, context.MaxReceiveMessageSize);
        if (buffer.Length - MessageFrame.HeaderSize < messageBytes)
        {
            return false;
        }

        var payload = buffer.Slice(MessageFrame.HeaderSize, messageBytes);
        consumed = payload.End;
        if (isCompressed)
        {
            payload = new ReadOnlySequence<byte>(GzipMessage.Decompress(payload, context.RequestEncoding, context.MaxReceiveMessageSize));
        }

        message = _deserialization.Deserialize(marshaller.ContextualDeserializer, payload, context.Method);
        return true;
    }
}
