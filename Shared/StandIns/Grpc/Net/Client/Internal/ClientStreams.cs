using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>Reads the responses of a call. One read at a time.</summary>
internal sealed class ClientStreamReader<TRequest, TResponse>(GrpcCall<TRequest, TResponse> call) : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private TResponse? _current;
    private int _reading;

    public TResponse Current => _current
        ?? throw new InvalidOperationException("The response stream has no current message. Call MoveNext, and read Current only when it returned true.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            throw new InvalidOperationException("A read of the response stream is under way. Wait for it before the next one.");
        }

        try
        {
            // As in the package: the token of one read cancels the whole call.
            using var registration = Cancellation.Register(call.Lifetime, cancellationToken);
            _current = await call.ReadNextAsync().ConfigureAwait(false);
            return _current is not null;
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }
}

/// <summary>Writes the requests of a call; a write returns when the connection took the message. One write at a time.</summary>
internal sealed class ClientStreamWriter<TRequest, TResponse>(
    GrpcCall<TRequest, TResponse> call, StreamContent content, int? maxMessageBytes, bool isResponseReadByCall) : IClientStreamWriter<TRequest>
    where TRequest : class
    where TResponse : class
{
    private int _writing;
    private bool _completed;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        BeginWrite();
        try
        {
            ThrowIfEnded();
            using var registration = Cancellation.Register(call.Lifetime, cancellationToken);
            await SendAsync(message).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    public Task CompleteAsync()
    {
        BeginWrite();
        _completed = true;
        content.Complete();
        Volatile.Write(ref _writing, 0);
        return Task.CompletedTask;
    }

    private async Task SendAsync(TRequest message)
    {
        try
        {
            using var writer = new FrameWriter(maxMessageBytes);
            var frame = writer.Serialize(call.RequestMarshaller, message);
            var stream = await content.Opened.ConfigureAwait(false);
            await stream.WriteAsync(frame, call.Lifetime.Token).ConfigureAwait(false);
            if ((WriteOptions?.Flags & WriteFlags.BufferHint) is null or 0)
            {
                await stream.FlushAsync(call.Lifetime.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            throw await FailureAsync(exception).ConfigureAwait(false);
        }
    }

    private void BeginWrite()
    {
        if (Interlocked.Exchange(ref _writing, 1) != 0)
        {
            throw new InvalidOperationException("A write to the request stream is under way. Wait for it before the next one.");
        }
    }

    private void ThrowIfEnded()
    {
        if (_completed)
        {
            throw new InvalidOperationException("The request stream was completed. Write before CompleteAsync.");
        }

        if (call.Lifetime.IsEnded)
        {
            throw call.Lifetime.Status.StatusCode == StatusCode.OK
                ? new InvalidOperationException("The call has ended with OK, so the server takes no more messages.")
                : call.Lifetime.ToException();
        }
    }

    // A write breaks when the server ends the call early; its status then says more than the broken write.
    private async Task<Exception> FailureAsync(Exception exception)
    {
        if (exception is WireException wire)
        {
            call.Lifetime.Abort(wire.ToStatus());
        }

        if (isResponseReadByCall)
        {
            await call.Lifetime.Completion.ConfigureAwait(false);
        }

        return call.Lifetime.IsEnded && call.Lifetime.Status.StatusCode != StatusCode.OK
            ? call.Lifetime.ToException()
            : new RpcException(call.ToStatus(exception));
    }
}

/// <summary>Lets a token of one read or write cancel its call.</summary>
internal static class Cancellation
{
    public static CancellationTokenRegistration Register(CallLifetime lifetime, CancellationToken token) => token.CanBeCanceled
        ? token.UnsafeRegister((state, cancelled) => ((CallLifetime)state!).Cancel(cancelled), lifetime)
        : default;
}
