namespace Grpc.Core;

/// <summary>What a call takes besides its message. Immutable; the With methods return a changed copy.</summary>
public struct CallOptions
{
    /// <param name="headers">Sent before the message; null means none.</param>
    /// <param name="deadline">UTC; null means none.</param>
    /// <param name="cancellationToken">Cancels the call (RST_STREAM).</param>
    /// <param name="writeOptions">The options of the first write.</param>
    /// <param name="propagationToken">The call that this one is made for; its deadline and cancellation hold for this one too.</param>
    /// <param name="credentials">Adds headers to the call.</param>
    public CallOptions(
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default,
        WriteOptions? writeOptions = null,
        ContextPropagationToken? propagationToken = null,
        CallCredentials? credentials = null)
    {
        Headers = headers;
        Deadline = deadline;
        CancellationToken = cancellationToken;
        WriteOptions = writeOptions;
        PropagationToken = propagationToken;
        Credentials = credentials;
    }

    public Metadata? Headers { get; private set; }

    public DateTime? Deadline { get; private set; }

    public CancellationToken CancellationToken { get; private set; }

    public WriteOptions? WriteOptions { get; private set; }

    public ContextPropagationToken? PropagationToken { get; private set; }

    public CallCredentials? Credentials { get; private set; }

    /// <summary>True: a server that cannot be reached is tried again until the deadline instead of failing the call.</summary>
    public bool IsWaitForReady { get; private set; }

    public readonly CallOptions WithHeaders(Metadata headers) => this with { Headers = headers };

    public readonly CallOptions WithDeadline(DateTime deadline) => this with { Deadline = deadline };

    public readonly CallOptions WithCancellationToken(CancellationToken cancellationToken) =>
        this with { CancellationToken = cancellationToken };

    public readonly CallOptions WithWriteOptions(WriteOptions writeOptions) => this with { WriteOptions = writeOptions };

    public readonly CallOptions WithPropagationToken(ContextPropagationToken propagationToken) =>
        this with { PropagationToken = propagationToken };

    public readonly CallOptions WithCredentials(CallCredentials credentials) => this with { Credentials = credentials };

    public readonly CallOptions WithWaitForReady(bool waitForReady = true) => this with { IsWaitForReady = waitForReady };
}
