using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Orchestrator.Bulk.Server;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk;

/// <summary>Serves <c>orchestrator.v1.Collective/Push</c> over TCP, a Unix socket or both: gRPC on the wire, payloads straight into the receivers' memory.</summary>
/// <remarks>One thread for each listening socket and one for each connection. All methods may be called from any thread.</remarks>
public sealed class BulkServer : IDisposable
{
    private readonly BulkServerOptions _options;
    private readonly BulkResolver _resolve;
    private readonly Action<string>? _log;
    private readonly List<Listener> _listeners = [];
    private readonly Dictionary<ServerConnection, Thread> _connections = [];
    private readonly SemaphoreSlim _free;
    private bool _isDisposed;

    /// <summary>Listens from here on.</summary>
    /// <param name="options">At least one of <see cref="BulkServerOptions.Tcp"/> and <see cref="BulkServerOptions.UnixPath"/>.</param>
    /// <param name="resolve">Called on receiving threads; a wait must be asynchronous.</param>
    /// <param name="log">Gets a sentence for each connection that did not end in order. May be called from several threads.</param>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public BulkServer(BulkServerOptions options, BulkResolver resolve, Action<string>? log = null)
    {
        (_options, _resolve, _log) = (options, resolve, log);
        _free = new SemaphoreSlim(options.Limits.MaxConnections);
        if (options.Tcp is null && options.UnixPath is null)
        {
            throw new ArgumentException("A bulk server listens on a TCP address, a Unix socket or both; neither was given.", nameof(options));
        }

        try
        {
            if (options.Tcp is { } tcp)
            {
                var listener = Listener.OnTcp(tcp);
                _listeners.Add(listener);
                TcpEndPoint = (IPEndPoint)listener.LocalEndPoint;
            }

            if (options.UnixPath is { } path)
            {
                _listeners.Add(Listener.OnUnix(path));
            }
        }
        catch
        {
            _listeners.ForEach(listener => listener.Dispose());
            throw;
        }

        _listeners.ForEach(listener => listener.Start(_free, Start));
    }

    /// <summary>Where it listens, with the port that was taken. Null: not on TCP.</summary>
    public IPEndPoint? TcpEndPoint { get; }

    /// <summary>The Unix socket's path. Null: none.</summary>
    public string? UnixPath => _options.UnixPath;

    /// <summary>
    /// Takes all streams away from a receiver and returns when none of them writes into its memory any more: then it may be freed.
    /// A call to it that has begun may still be running; no <see cref="IBulkReceiver.Ended"/> follows.
    /// </summary>
    /// <param name="receiver">It may hold no lock that its own <see cref="IBulkReceiver.Ended"/> takes.</param>
    /// <param name="reason">What the senders are told, with the status ABORTED. A stream within a payload is cut off with its connection instead.</param>
    public void Release(IBulkReceiver receiver, string reason)
    {
        ServerConnection[] connections;
        lock (_connections)
        {
            connections = [.. _connections.Keys];
        }

        foreach (var connection in connections)
        {
            connection.Release(receiver, reason);
        }
    }

    /// <summary>Stops listening and cuts all connections; their receivers are told.</summary>
    public void Dispose()
    {
        KeyValuePair<ServerConnection, Thread>[] connections;
        lock (_connections)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            connections = [.. _connections];
        }

        _listeners.ForEach(listener => listener.Dispose());
        foreach (var (connection, _) in connections)
        {
            connection.Shutdown("this server stops");
        }

        foreach (var (_, thread) in connections)
        {
            if (thread != Thread.CurrentThread)
            {
                thread.Join();
            }
        }
    }

    private void Start(Socket socket)
    {
        Wire wire;
        try
        {
            wire = SocketSetup.ToWire(socket, _options, mostlySends: false);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It was gone before it could be looked at.
            socket.Dispose();
            _free.Release();
            return;
        }

        var tls = socket.AddressFamily == AddressFamily.Unix ? null : _options.Tls;
        var thread = new Thread(() => Serve(wire, tls), ThreadSizes.StackBytes) { IsBackground = true, Name = $"bulk from {wire.Peer}" };
        thread.Start();
    }

    private void Serve(Wire plain, Func<SslServerAuthenticationOptions>? tls)
    {
        var wire = plain;
        try
        {
            wire = tls is null ? plain : TlsWire.Accept(plain, tls(), _options.HandshakeTimeout);
            using var connection = new ServerConnection(wire, _options, _resolve);
            lock (_connections)
            {
                if (_isDisposed)
                {
                    return;
                }

                _connections.Add(connection, Thread.CurrentThread);
            }

            try
            {
                if (connection.Serve() is { } reason)
                {
                    _log?.Invoke(reason);
                }
            }
            finally
            {
                lock (_connections)
                {
                    _connections.Remove(connection);
                }
            }
        }
        catch (IOException error)
        {
            _log?.Invoke($"A connection from {plain.Peer} could not be opened: {error.Message}.");
        }
        finally
        {
            wire.Dispose();
            _free.Release();
        }
    }
}
