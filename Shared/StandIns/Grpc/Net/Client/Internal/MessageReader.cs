using System.Buffers;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>Reads framed messages from a response body into pooled buffers. One reader at a time.</summary>
internal sealed class MessageReader<T>(Stream body, Marshaller<T> marshaller, string? encoding, int? maxMessageBytes, string method)
    where T : class
{
    private readonly byte[] _header = new byte[MessageFrame.HeaderSize];
    private readonly MessageDeserializationContext _context = new();

    /// <summary>The next message; null at the end of the body.</summary>
    /// <exception cref="WireException">The body ends inside a message, or the message exceeds the limit or cannot be read.</exception>
    public async ValueTask<T?> ReadAsync(CancellationToken cancellationToken)
    {
        var read = await body.ReadAtLeastAsync(_header, _header.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read == 0)
        {
            return null;
        }

        CheckWhole(read, _header.Length);
        var (messageBytes, isCompressed) = MessageFrame.ReadHeader(_header, maxMessageBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(messageBytes);
        try
        {
            if (messageBytes > 0)
            {
                read = await body.ReadAtLeastAsync(buffer.AsMemory(0, messageBytes), messageBytes, throwOnEndOfStream: false, cancellationToken)
                    .ConfigureAwait(false);
                CheckWhole(read, messageBytes);
            }

            var payload = new ReadOnlySequence<byte>(buffer, 0, messageBytes);
            if (isCompressed)
            {
                payload = new ReadOnlySequence<byte>(GzipMessage.Decompress(payload, encoding, maxMessageBytes));
            }

            return _context.Deserialize(marshaller.ContextualDeserializer, payload, method);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
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
