using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Bulk.Wires;

/// <summary>A listening socket and the thread that accepts on it.</summary>
internal sealed class Listener : IDisposable
{
    private const int Backlog = 128;

    private readonly Socket _socket;
    private readonly string? _path;
    private readonly CancellationTokenSource _stop = new();

    private Listener(Socket socket, string? path = null) => (_socket, _path) = (socket, path);

    public EndPoint LocalEndPoint => _socket.LocalEndPoint!;

    /// <exception cref="IOException">The address is taken, or is not ours.</exception>
    public static Listener OnTcp(IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(address);
            socket.Listen(Backlog);
            return new Listener(socket);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new IOException($"Listening on {address} failed: {error.Message}. Choose a free port, or 0.", error);
        }
    }

    /// <summary>Only this user may connect: the file's mode is 0600 before anybody can.</summary>
    /// <exception cref="IOException">The path is too long, is no socket, or another process listens on it.</exception>
    public static Listener OnUnix(string path)
    {
        RemoveStale(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(BulkAddress.Unix(path));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            socket.Listen(Backlog);
            return new Listener(socket, path);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new IOException($"Listening on the Unix socket {path} failed: {error.Message}. Its folder must exist and be writable.", error);
        }
    }

    /// <param name="free">Taken before a connection is accepted; whoever gets it gives it back at its end.</param>
    /// <param name="accepted">Owns the socket; must not block.</param>
    public void Start(SemaphoreSlim free, Action<Socket> accepted)
    {
        var thread = new Thread(() => Accept(free, accepted), ThreadSizes.StackBytes) { IsBackground = true, Name = $"bulk on {_path ?? LocalEndPoint.ToString()}" };
        thread.Start();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _socket.Dispose();
        if (_path is not null)
        {
            File.Delete(_path);
        }
    }

    private void Accept(SemaphoreSlim free, Action<Socket> accepted)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                free.Wait(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            try
            {
                accepted(_socket.Accept());
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Stopped; or a client that was gone before it was accepted; or no descriptor is free, which passes.
                free.Release();
                _stop.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    private static void RemoveStale(string path)
    {
        if (!Path.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(BulkAddress.Unix(path));
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused && (File.GetAttributes(path) & FileAttributes.Directory) == 0 && IsSocket(path))
        {
            File.Delete(path);
            return;
        }
        catch (SocketException error)
        {
            throw new IOException($"{path} exists and cannot be listened on: {error.Message}. Remove it or choose another path.", error);
        }

        throw new IOException($"Another process listens on the Unix socket {path}. Stop it or choose another path.");
    }

    // A plain file refuses a connection too, and must not be removed. Sockets have no length and cannot be opened.
    private static bool IsSocket(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
