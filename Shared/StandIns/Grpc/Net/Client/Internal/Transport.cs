using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>Sends requests to one address and knows the calls under way, so that disposal can end them. Any thread.</summary>
internal sealed class Transport : IDisposable
{
    // SocketsHttpHandler starts streams at 64 KiB and grows the window by measured round trips; messages of a MiB are common here.
    private const int InitialStreamWindowBytes = 1024 * 1024;

    private readonly HttpMessageInvoker _invoker;
    private readonly bool _ownsInvoker;
    private readonly HashSet<CallLifetime> _calls = [];
    private bool _disposed;

    public Transport(Uri address, GrpcChannelOptions options)
    {
        Address = new Uri(address.GetLeftPart(UriPartial.Authority));
        MaxSendMessageSize = options.MaxSendMessageSize;
        MaxReceiveMessageSize = options.MaxReceiveMessageSize;
        ThrowOperationCanceled = options.ThrowOperationCanceledOnCancellation;
        Backoff = new ReconnectBackoff(options.InitialReconnectBackoff, options.MaxReconnectBackoff ?? TimeSpan.MaxValue);
        var isSecure = address.Scheme == Uri.UriSchemeHttps;
        if (options.Credentials is { } credentials && credentials.IsSecure != isSecure)
        {
            throw new InvalidOperationException(
                $"The channel to {address} has {(credentials.IsSecure ? "secure" : "insecure")} credentials and the scheme '{address.Scheme}'. "
                + "Use https:// with ChannelCredentials.SecureSsl and http:// with ChannelCredentials.Insecure.");
        }

        SendsCallCredentials = isSecure || options.UnsafeUseInsecureChannelCallCredentials;
        CallCredentials = options.Credentials?.CallCredentials;
        if (options.HttpClient is not null && options.HttpHandler is not null)
        {
            throw new ArgumentException("HttpClient and HttpHandler are both set. Set one of them.", nameof(options));
        }

        var given = options.HttpHandler;
        _invoker = options.HttpClient
            ?? new HttpMessageInvoker(given ?? CreateHandler(isSecure), disposeHandler: given is null || options.DisposeHttpClient);
        _ownsInvoker = options.HttpClient is null || options.DisposeHttpClient;
    }

    public Uri Address { get; }

    public int? MaxSendMessageSize { get; }

    public int? MaxReceiveMessageSize { get; }

    public bool ThrowOperationCanceled { get; }

    public bool SendsCallCredentials { get; }

    public CallCredentials? CallCredentials { get; }

    public ReconnectBackoff Backoff { get; }

    /// <summary>Returns when the response headers are there.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _invoker is HttpClient client
        ? client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
        : _invoker.SendAsync(request, cancellationToken);

    public void Add(CallLifetime call)
    {
        lock (_calls)
        {
            ThrowIfDisposed();
            _calls.Add(call);
        }
    }

    public void Remove(CallLifetime call)
    {
        lock (_calls)
        {
            _calls.Remove(call);
        }
    }

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), typeof(GrpcChannel));

    public void Dispose()
    {
        CallLifetime[] calls;
        lock (_calls)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            calls = [.. _calls];
        }

        foreach (var call in calls)
        {
            call.Abort(new Status(StatusCode.Cancelled, $"The channel to {Address} was disposed during the call."));
        }

        if (_ownsInvoker)
        {
            _invoker.Dispose();
        }
    }

    private static SocketsHttpHandler CreateHandler(bool isSecure) => new()
    {
        EnableMultipleHttp2Connections = true,
        AllowAutoRedirect = false,
        UseCookies = false,

        // A plain HTTP/2 connection cannot pass through an HTTP proxy.
        UseProxy = isSecure,
        InitialHttp2StreamWindowSize = InitialStreamWindowBytes,
    };
}

/// <summary>The waits between tries of a server that cannot be reached: each 1.6 times the one before, up to a bound.</summary>
internal readonly record struct ReconnectBackoff(TimeSpan Initial, TimeSpan Max)
{
    // The factor that gRPC's connection backoff names.
    private const double Factor = 1.6;

    public TimeSpan Delay(int attempt)
    {
        var seconds = Math.Min(Initial.TotalSeconds * Math.Pow(Factor, attempt), Max.TotalSeconds);
        return TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.FromHours(1).TotalSeconds));
    }
}
