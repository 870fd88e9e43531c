namespace Grpc.Core;

/// <summary>A way to one server; stubs are made over it.</summary>
public abstract class ChannelBase
{
    private int _shutdown;

    protected ChannelBase(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        Target = target;
    }

    /// <summary>Host and port of the server.</summary>
    public string Target { get; }

    public abstract CallInvoker CreateCallInvoker();

    /// <summary>Ends the channel and its calls; a second time it throws.</summary>
    public async Task ShutdownAsync()
    {
        if (Interlocked.Exchange(ref _shutdown, 1) != 0)
        {
            throw new InvalidOperationException($"The channel to {Target} has already been shut down. Call ShutdownAsync once.");
        }

        await ShutdownAsyncCore().ConfigureAwait(false);
    }

    protected virtual Task ShutdownAsyncCore() => Task.CompletedTask;
}
