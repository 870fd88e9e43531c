using System.Buffers.Binary;

namespace Grpc.Wire;

/// <summary>The frame of a gRPC message: one byte that says whether it is compressed, its length as big-endian 32 bits, the message.</summary>
internal static class MessageFrame
{
    /// <summary>Bytes before the message.</summary>
    public const int HeaderSize = 5;

    /// <summary>What both packages allow by default for a received message: 4 MiB.</summary>
    public const int DefaultMaxReceiveMessageSize = 4 * 1024 * 1024;

    public static void WriteHeader(Span<byte> destination, int messageBytes, bool isCompressed)
    {
        destination[0] = isCompressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], messageBytes);
    }

    /// <exception cref="WireException">The flag is neither 0 nor 1, or the message is longer than the limit.</exception>
    public static (int MessageBytes, bool IsCompressed) ReadHeader(ReadOnlySpan<byte> header, int? maxMessageBytes)
    {
        if (header[0] > 1)
        {
            throw new WireException(Core.StatusCode.Internal, $"Message has compression flag {header[0]}; 0 or 1 was expected. The peer does not speak gRPC.");
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (length > (uint)(maxMessageBytes ?? int.MaxValue))
        {
            throw new WireException(
                Core.StatusCode.ResourceExhausted,
                $"Received message of {length} bytes exceeds the limit of {maxMessageBytes ?? int.MaxValue} bytes. Raise MaxReceiveMessageSize or send smaller messages.");
        }

        return ((int)length, header[0] == 1);
    }

    /// <exception cref="WireException">The message is longer than the limit.</exception>
    public static void CheckSend(long messageBytes, int? maxMessageBytes)
    {
        if (messageBytes > (maxMessageBytes ?? int.MaxValue - HeaderSize))
        {
            throw new WireException(
                Core.StatusCode.ResourceExhausted,
                $"Message of {messageBytes} bytes to send exceeds the limit of {maxMessageBytes ?? int.MaxValue - HeaderSize} bytes. Raise MaxSendMessageSize or send smaller messages.");
        }
    }
}

/// <summary>A violation of the wire format or of a limit, with the status that the call ends with.</summary>
internal sealed class WireException(Core.StatusCode statusCode, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public Core.StatusCode StatusCode { get; } = statusCode;

    public Core.Status ToStatus() => new(StatusCode, Message, this);
}
