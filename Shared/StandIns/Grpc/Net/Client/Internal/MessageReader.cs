using System.Buffers;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>
/// Reads framed messages from a response body into a pooled buffer that it keeps from one message to the next (a stream's messages tend to be
/// of one size) and gives back at the end of the body. One reader at a time.
/// </summary>
internal sealed class MessageReader<T>(Stream body, Marshaller<T> marshaller, string? encoding, int? maxMessageBytes, string method)
    where T : class
{
    private readonly byte[] _header = new byte[MessageFrame.HeaderSize];
    private readonly MessageDeserializationContext _context = new();
    private byte[] _buffer = [];

    /// <summary>The next message; null at the end of the body.</summary>
    /// <exception cref="WireException">The body ends inside a message, or the message exceeds the limit or cannot be read.</exception>
    public async ValueTask<T?> ReadAsync(CancellationToken cancellationToken)
    {
        var read = await body.ReadAtLeastAsync(_header, _header.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read == 0)
        {
            Reserve(0);
            return null;
        }

        CheckWhole(read, _header.Length);
        var (messageBytes, isCompressed) = MessageFrame.ReadHeader(_header, maxMessageBytes);
        if (messageBytes > _buffer.Length)
        {
            Reserve(messageBytes);
        }

        if (messageBytes > 0)
        {
            read = await body.ReadAtLeastAsync(_buffer.AsMemory(0, messageBytes), messageBytes, throwOnEndOfStream: false, cancellationToken)
                .ConfigureAwait(false);
            CheckWhole(read, messageBytes);
        }

        var payload = new ReadOnlySequence<byte>(_buffer, 0, messageBytes);
        if (isCompressed)
        {
            payload = new ReadOnlySequence<byte>(GzipMessage.Decompress(payload, encoding, maxMessageBytes));
        }

        return _context.Deserialize(marshaller.ContextualDeserializer, payload, method);
    }

    // After a failed read the buffer is left to the collector: the body may still write to it.
    private void Reserve(int bytes)
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = bytes == 0 ? [] : ArrayPool<byte>.Shared.Rent(bytes);
    }

    private void CheckWhole(int read, int expected)
    {
        if (read < expected)
        {
            throw new WireException(
                StatusCode.Internal, $"The response of {method} ended inside a message: {read} bytes came, {expected} were expected.");
        }
    }
}
