using System.Buffers;

namespace Grpc.Core;

/// <summary>Takes one message from a serializer. Valid only during the call of the serializer.</summary>
public abstract class SerializationContext
{
    /// <summary>Gives the whole message; the array may be kept, so the caller must not change it afterwards.</summary>
    public virtual void Complete(byte[] payload) => throw new NotImplementedException();

    /// <summary>A writer for the message; <see cref="Complete()"/> ends it.</summary>
    public virtual IBufferWriter<byte> GetBufferWriter() => throw new NotImplementedException();

    /// <summary>States the message's size in bytes before <see cref="GetBufferWriter"/>, which saves a copy.</summary>
    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    public virtual void Complete() => throw new NotImplementedException();
}

/// <summary>Gives one message to a deserializer. Valid only during the call of the deserializer.</summary>
public abstract class DeserializationContext
{
    /// <summary>Size of the message in bytes.</summary>
    public abstract int PayloadLength { get; }

    /// <summary>A copy of the message that the caller owns.</summary>
    public virtual byte[] PayloadAsNewBuffer() => throw new NotImplementedException();

    /// <summary>The message without a copy; the memory goes back to its pool when the deserializer returns.</summary>
    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() => throw new NotImplementedException();
}
