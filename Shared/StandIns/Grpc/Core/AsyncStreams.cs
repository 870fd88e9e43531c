using System.Runtime.CompilerServices;

namespace Grpc.Core;

/// <summary>Reads a stream of messages; one reader at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last <see cref="MoveNext"/> read.</summary>
    T Current { get; }

    /// <summary>Reads the next message; false at the end of the stream.</summary>
    /// <exception cref="RpcException">The call ended with another status than OK.</exception>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>Writes a stream of messages; one writer at a time. A write is done when the transport took the message.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>The options of the writes that follow.</summary>
    WriteOptions? WriteOptions { get; set; }

    Task WriteAsync(T message);

    Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            throw new NotSupportedException($"{GetType()} cannot cancel a single write. Cancel the call instead.");
        }

        return WriteAsync(message);
    }
}

/// <summary>The client's side of a request stream.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>Says that no more messages follow.</summary>
    Task CompleteAsync();
}

/// <summary>The server's side of a response stream; the stream ends when the service method returns.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>
{
}

/// <summary>Shorter ways to read a stream.</summary>
public static class AsyncStreamReaderExtensions
{
    public static Task<bool> MoveNext<T>(this IAsyncStreamReader<T> streamReader)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(streamReader);
        return streamReader.MoveNext(CancellationToken.None);
    }

    /// <summary>All messages up to the end of the stream, for <c>await foreach</c>.</summary>
    public static IAsyncEnumerable<T> ReadAllAsync<T>(this IAsyncStreamReader<T> streamReader, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(streamReader);
        return Read(streamReader, cancellationToken);

        static async IAsyncEnumerable<T> Read(IAsyncStreamReader<T> reader, [EnumeratorCancellation] CancellationToken token)
        {
            while (await reader.MoveNext(token).ConfigureAwait(false))
            {
                yield return reader.Current;
            }
        }
    }
}
