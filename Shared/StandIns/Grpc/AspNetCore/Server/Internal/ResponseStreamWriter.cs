using Grpc.Core;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The response stream that a service method writes to. One write at a time.</summary>
internal sealed class ResponseStreamWriter<T>(HttpServerCallContext context, Marshaller<T> marshaller) : IServerStreamWriter<T>
    where T : class
{
    private int _writing;

    public WriteOptions? WriteOptions
    {
        get => context.WriteOptions;
        set => context.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (context.CancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"The call of {context.Method} has ended, so no message can be written. Stop writing when ServerCallContext.CancellationToken is cancelled.");
        }

        if (Interlocked.Exchange(ref _writing, 1) != 0)
        {
            throw new InvalidOperationException("A write to the response stream is under way. Wait for it before the next one.");
        }

        try
        {
            using var both = cancellationToken.CanBeCanceled
                ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, context.CancellationToken)
                : null;
            var flush = (WriteOptions?.Flags & WriteFlags.BufferHint) is null or 0;
            await context.WriteMessageAsync(marshaller, message, flush, both?.Token ?? context.CancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }
}
