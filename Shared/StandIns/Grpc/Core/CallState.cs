namespace Grpc.Core;

/// <summary>The part that the four call objects share: headers, status, trailers and disposal, each from a function of one state.</summary>
internal readonly struct CallState(
    Func<object, Task<Metadata>> responseHeadersAsync,
    Func<object, Status> getStatus,
    Func<object, Metadata> getTrailers,
    Action<object> dispose,
    object state)
{
    public Task<Metadata> ResponseHeadersAsync() => responseHeadersAsync(state);

    public Status GetStatus() => getStatus(state);

    public Metadata GetTrailers() => getTrailers(state);

    public void Dispose() => dispose(state);
}
