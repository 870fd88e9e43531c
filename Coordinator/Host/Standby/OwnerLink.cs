using Grpc.Net.Client;
using Orchestrator.Security.Tls;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>The way to another coordinator, which owns the runs. Disposal breaks off what was passed to it: it owns them no more. Any thread.</summary>
/// <param name="lease">As the store has it.</param>
/// <param name="tls">What this coordinator shows the owner; null: connections are plain.</param>
internal sealed class OwnerLink(Lease lease, TlsSource? tls) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly List<IDisposable> _made = [];
    private (PeerSecurity? Shown, GrpcChannel Channel)? _channel;
    private (PeerSecurity? Shown, HttpMessageInvoker Http)? _http;

    public string Address => lease.Address;

    /// <inheritdoc cref="Lease.HttpAddress"/>
    public string HttpAddress => lease.HttpAddress;

    public long Term => lease.Term;

    /// <summary>It owns the runs no more.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <exception cref="ObjectDisposedException">It owns them no more.</exception>
    public GrpcChannel Channel
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_ended.IsCancellationRequested, this);
                if (_channel is not { } made || made.Shown != tls?.Current)
                {
                    var (shown, handler) = Handler(Address);
                    _channel = made = (shown, Keep(GrpcChannel.ForAddress(SecureAddress.UrlOf(Address), new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true })));
                }

                return made.Channel;
            }
        }
    }

    /// <summary>To the owner's <see cref="HttpAddress"/>.</summary>
    /// <inheritdoc cref="Channel"/>
    public HttpMessageInvoker Http
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_ended.IsCancellationRequested, this);
                if (_http is not { } made || made.Shown != tls?.Current)
                {
                    var (shown, handler) = Handler(HttpAddress);
                    _http = made = (shown, Keep(new HttpMessageInvoker(handler, disposeHandler: true)));
                }

                return made.Http;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ended.Cancel();
            _made.ForEach(made => made.Dispose());
            _made.Clear();
        }
    }

    /// <summary>What was made with certificates that were replaced since stays until the end: calls may be under way on it.</summary>
    private T Keep<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }

    private (PeerSecurity? Shown, SocketsHttpHandler Handler) Handler(string address)
    {
        // What runs within a cluster does not go through a proxy that the environment names for the web.
        var handler = new SocketsHttpHandler
        {
            UseProxy = false, AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(2), EnableMultipleHttp2Connections = true,
        };
        var shown = tls?.Current;
        if (SecureAddress.IsSecure(address) && shown is not null)
        {
            handler.SslOptions = shown.Client(SecureAddress.HostOf(address));
        }

        return (shown, handler);
    }
}
