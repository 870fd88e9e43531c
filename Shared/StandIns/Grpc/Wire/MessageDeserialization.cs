using System.Buffers;
using Grpc.Core;

namespace Grpc.Wire;

/// <summary>Gives one received message to a deserializer. One instance serves a stream, one message at a time.</summary>
internal sealed class MessageDeserializationContext : DeserializationContext
{
    private ReadOnlySequence<byte> _payload;

    public override int PayloadLength => (int)_payload.Length;

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    /// <param name="deserializer">What makes the message.</param>
    /// <param name="payload">Valid until this returns.</param>
    /// <param name="method">Named in the error.</param>
    /// <exception cref="WireException">The deserializer threw.</exception>
    public T Deserialize<T>(Func<DeserializationContext, T> deserializer, in ReadOnlySequence<byte> payload, string method)
    {
        _payload = payload;
        try
        {
            return deserializer(this);
        }
        catch (Exception exception) when (exception is not WireException)
        {
            throw new WireException(
                StatusCode.Internal,
                $"A message of {payload.Length} bytes on {method} cannot be read as {typeof(T).Name}: {exception.Message} Check that both sides use the same proto.",
                exception);
        }
        finally
        {
            _payload = default;
        }
    }
}
