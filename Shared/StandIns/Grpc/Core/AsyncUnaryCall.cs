using System.Runtime.CompilerServices;

namespace Grpc.Core;

/// <summary>A call with one request and one answer, under way or ended.</summary>
public sealed class AsyncUnaryCall<TResponse> : IDisposable
{
    private readonly CallState _state;

    public AsyncUnaryCall(
        Task<TResponse> responseAsync,
        Task<Metadata> responseHeadersAsync,
        Func<Status> getStatusFunc,
        Func<Metadata> getTrailersFunc,
        Action disposeAction)
        : this(responseAsync, new CallState(_ => responseHeadersAsync, _ => getStatusFunc(), _ => getTrailersFunc(), _ => disposeAction(), null!))
    {
    }

    public AsyncUnaryCall(
        Task<TResponse> responseAsync,
        Func<object, Task<Metadata>> responseHeadersAsync,
        Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc,
        Action<object> disposeAction,
        object state)
        : this(responseAsync, new CallState(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction, state))
    {
    }

    private AsyncUnaryCall(Task<TResponse> responseAsync, CallState state)
    {
        ArgumentNullException.ThrowIfNull(responseAsync);
        ResponseAsync = responseAsync;
        _state = state;
    }

    /// <summary>The answer, or the call's failure.</summary>
    public Task<TResponse> ResponseAsync { get; }

    /// <summary>The headers that the server sent before its first message.</summary>
    public Task<Metadata> ResponseHeadersAsync => _state.ResponseHeadersAsync();

    public TaskAwaiter<TResponse> GetAwaiter() => ResponseAsync.GetAwaiter();

    public ConfiguredTaskAwaitable<TResponse> ConfigureAwait(bool continueOnCapturedContext) =>
        ResponseAsync.ConfigureAwait(continueOnCapturedContext);

    /// <exception cref="InvalidOperationException">The call has not ended.</exception>
    public Status GetStatus() => _state.GetStatus();

    /// <exception cref="InvalidOperationException">The call has not ended.</exception>
    public Metadata GetTrailers() => _state.GetTrailers();

    /// <summary>Cancels the call if it has not ended.</summary>
    public void Dispose() => _state.Dispose();
}
