using Grpc.Net.Client;
using Orchestrator.Security.Tls;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>What this coordinator knows of who owns the runs: seen with every try for the lease, four times a second. Any thread.</summary>
/// <param name="self">Where this coordinator is reached, as it stands in the lease when it is the owner.</param>
/// <param name="time">Its timestamps count.</param>
/// <param name="tls">What it shows the owner; null: connections are plain.</param>
internal sealed class OwnerSight(string self, TimeProvider time, TlsSource? tls = null) : IDisposable
{
    private readonly Lock _gate = new();
    private Owner? _owner;
    private long _until;
    private string _reason = "It has not asked for the lease yet.";

    public string Self { get; } = self;

    /// <summary>The store answered, or did not.</summary>
    /// <param name="present">The lease as it stands; null: nobody has it, or the store did not answer.</param>
    /// <param name="reason">In a sentence.</param>
    public void See(Lease? present, string reason)
    {
        Owner? gone = null;
        lock (_gate)
        {
            _reason = present is { IsLapsed: false } && present.Address == Self ? "This coordinator is taking them over." : reason;
            if (present is { IsLapsed: false } && present.Address != Self)
            {
                _until = time.GetTimestamp() + (long)(present.Remaining.TotalSeconds * time.TimestampFrequency);
                if (_owner is null || _owner.Address != present.Address || _owner.Term != present.Term)
                {
                    (gone, _owner) = (_owner, new Owner(present.Address, present.Term, tls));
                }
            }
            else if (present is not null)
            {
                (gone, _owner) = (_owner, null);
            }
        }

        gone?.Dispose();
    }

    /// <returns>The owner, or null and the reason.</returns>
    public (Owner? Owner, string Reason) Find()
    {
        Owner? gone = null;
        lock (_gate)
        {
            if (_owner is not null && time.GetTimestamp() >= _until)
            {
                (gone, _owner) = (_owner, null);
            }

            gone?.Dispose();
            return (_owner, _owner is null ? $"No coordinator owns the runs just now: {_reason} Steps go on meanwhile; ask again in a few seconds." : "");
        }
    }

    public void Dispose() => _owner?.Dispose();

    /// <summary>Another coordinator that owns the runs. Disposal breaks off what was passed to it: it owns them no more.</summary>
    public sealed class Owner(string address, long term, TlsSource? tls) : IDisposable
    {
        private readonly Lazy<GrpcChannel> _channel = new(() => Open(address, tls));

        public string Address => address;

        public long Term => term;

        private static GrpcChannel Open(string address, TlsSource? tls)
        {
            // What runs within a cluster does not go through a proxy that the environment names for the web.
            var handler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2), EnableMultipleHttp2Connections = true };
            if (SecureAddress.IsSecure(address) && tls is not null)
            {
                handler.SslOptions = tls.Current.Client(SecureAddress.HostOf(address));
            }

            return GrpcChannel.ForAddress(SecureAddress.UrlOf(address), new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        }

        /// <exception cref="ObjectDisposedException">It owns them no more.</exception>
        public GrpcChannel Channel => _channel.Value;

        public void Dispose()
        {
            if (_channel.IsValueCreated)
            {
                _channel.Value.Dispose();
            }
        }
    }
}
