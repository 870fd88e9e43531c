using System.Net;

namespace Orchestrator.Bulk.Tests;

/// <summary>A server with one receiver, and links to it.</summary>
internal sealed class Pair : IDisposable
{
    public static readonly BulkCall Call = new("run-1", 7, 3);

    private readonly string? _folder;

    public Pair(bool isUnix = false, BulkServerOptions? options = null, BulkResolver? resolver = null)
    {
        options ??= new BulkServerOptions();
        if (isUnix)
        {
            _folder = Directory.CreateTempSubdirectory("bulk").FullName;
            options = options with { UnixPath = Path.Combine(_folder, "s") };
        }
        else
        {
            options = options with { Tcp = new IPEndPoint(IPAddress.Loopback, 0) };
        }

        Server = new BulkServer(options, resolver ?? ((_, _) => ValueTask.FromResult<IBulkReceiver>(Receiver)), Logged.Enqueue);
        Address = isUnix ? BulkAddress.Parse($"unix:{options.UnixPath}") : Server.TcpEndPoint!;
    }

    public BulkServer Server { get; }

    public EndPoint Address { get; }

    public Collector Receiver { get; } = new();

    public System.Collections.Concurrent.ConcurrentQueue<string> Logged { get; } = new();

    public static BulkHeader Header(int payloadBytes, long step = 1) => new(7, step, 3, BulkPhase.Reduce, 2, 2, 4096, 7, payloadBytes);

    public BulkLink Connect(IBulkLinkEvents? events = null, BulkLinkOptions? options = null) =>
        BulkLink.Connect(Address, Call, events ?? new LinkLog(), options);

    public void Dispose()
    {
        Server.Dispose();
        Receiver.Dispose();
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
