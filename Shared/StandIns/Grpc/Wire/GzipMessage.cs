using System.Buffers;
using System.IO.Compression;
using Grpc.Core;

namespace Grpc.Wire;

/// <summary>Decompresses a message under the size limit.</summary>
internal static class GzipMessage
{
    /// <exception cref="WireException">The encoding is not gzip, the bytes are no gzip, or the message is longer than the limit.</exception>
    public static ReadOnlyMemory<byte> Decompress(in ReadOnlySequence<byte> compressed, string? encoding, int? maxMessageBytes)
    {
        if (encoding is null or WireNames.Identity)
        {
            throw new WireException(StatusCode.Internal, "Message is marked as compressed but the call has no grpc-encoding. The peer breaks the protocol.");
        }

        if (!string.Equals(encoding, WireNames.Gzip, StringComparison.OrdinalIgnoreCase))
        {
            throw new WireException(
                StatusCode.Unimplemented, $"Message encoding '{encoding}' is not supported. Use one of: {WireNames.AcceptedEncodings}.");
        }

        var message = new ArrayBufferWriter<byte>((int)Math.Min(compressed.Length * 2 + 256, Array.MaxLength));
        try
        {
            using var stream = new GZipStream(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
            while (true)
            {
                var read = stream.Read(message.GetSpan(8192));
                if (read == 0)
                {
                    return message.WrittenMemory;
                }

                message.Advance(read);
                if (message.WrittenCount > (maxMessageBytes ?? int.MaxValue))
                {
                    throw new WireException(
                        StatusCode.ResourceExhausted,
                        $"Received message exceeds the limit of {maxMessageBytes} bytes once decompressed. Raise MaxReceiveMessageSize or send smaller messages.");
                }
            }
        }
        catch (InvalidDataException exception)
        {
            throw new WireException(StatusCode.Internal, $"Compressed message of {compressed.Length} bytes is not gzip: {exception.Message}", exception);
        }
    }
}
