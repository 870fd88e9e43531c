using System.Net.Security;

namespace Orchestrator.Bulk;

/// <summary>What both sides of a connection can be set to.</summary>
public abstract record BulkOptions
{
    /// <summary>The silence after which a connection is pinged: then something is under way, and its kernel sees within two seconds when it does not get through (TCP on Linux). Zero: never.</summary>
    public TimeSpan KeepAliveDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the answer to a ping may take before the peer counts as gone. Its processes may be starved of processors, so this is long.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(9);

    /// <summary>Connecting, TLS and the peer's first frames must come within this.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The peer's kernel must answer a TCP connection within this: its processes have no part in it. Three tries or four, at a second each.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3.5);

    /// <summary>The kernel's send and receive buffers of a connection, bytes. Zero: the system's default.</summary>
    public int SocketBufferBytes { get; init; }

    public BulkLimits Limits { get; init; } = new();
}

/// <summary>Options of <see cref="BulkServer"/>.</summary>
public sealed record BulkServerOptions : BulkOptions
{
    /// <summary>Where to listen for TCP; port 0 takes a free one. Null: no TCP.</summary>
    public System.Net.IPEndPoint? Tcp { get; init; }

    /// <summary>Path of the Unix socket to listen on. Null: none. A stale file of that name is removed; a live one is an error.</summary>
    public string? UnixPath { get; init; }

    /// <summary>TLS on TCP connections, asked at each of them on any thread: certificates change while a server runs. Null: none. Unix sockets never use it: their file's mode is 0600.</summary>
    public Func<SslServerAuthenticationOptions>? Tls { get; init; }

    /// <summary>The processor to receive a call's messages on: that of its sending thread, when the sender is on this host (see <see cref="BulkLinkOptions.Processor"/>).
    /// Null, or a null answer: wherever the system likes. Linux only.</summary>
    public Func<BulkCall, int?>? ChooseProcessor { get; init; }

    /// <summary>How long a stream may wait for its generation.</summary>
    public TimeSpan ResolveTimeout { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>Options of <see cref="BulkLink"/>.</summary>
public sealed record BulkLinkOptions : BulkOptions
{
    /// <summary>The processor to send from. Between peers on one host, a stream whose sender and receiver share a core is up to twice as fast, because
    /// its bytes stay in that core's cache. Null: wherever the system likes. Linux only.</summary>
    public int? Processor { get; init; }

    /// <summary>Whether <see cref="IBulkLinkEvents.Sent"/> is called. When nobody needs it, a message that finds the link idle is sent by the thread that queues it, as far as
    /// the kernel takes it at once: a thread is woken less on the way of small messages.</summary>
    public bool TellsSent { get; init; } = true;

    /// <summary>Asked once with the process that listens on a Unix socket: what <see cref="BulkCall.Memory"/> shall say to it. Null, or a null answer: nothing is shared.</summary>
    public Func<int, string?>? ShareMemory { get; init; }

    /// <summary>TLS on TCP connections; null: none.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }
}

/// <summary>Bounds of everything that a peer can make us hold or do.</summary>
public sealed record BulkLimits
{
    /// <summary>The largest frame that we announce: up to 2^24 - 1.</summary>
    public int MaxFrameBytes { get; init; } = (1 << 24) - 1;

    /// <summary>Compressed bytes of one header block, over all its frames.</summary>
    public int MaxHeaderBlockBytes { get; init; } = 16 * 1024;

    /// <summary>Decoded bytes of one header list, by HPACK's count.</summary>
    public int MaxHeaderListBytes { get; init; } = 16 * 1024;

    /// <summary>HPACK's dynamic table.</summary>
    public int HeaderTableBytes { get; init; } = 4096;

    /// <summary>Frames of one header block.</summary>
    public int MaxContinuations { get; init; } = 16;

    /// <summary>Streams that a peer may have open on one connection.</summary>
    public int MaxStreams { get; init; } = 32;

    /// <summary>Connections that a server holds; further ones wait unaccepted.</summary>
    public int MaxConnections { get; init; } = 1024;

    /// <summary>One gRPC message.</summary>
    public int MaxMessageBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>A message whose fields come in an order that hides where its payload belongs is buffered whole, up to this.</summary>
    public int MaxBufferedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Frames without payload (SETTINGS, PING, PRIORITY, unknown ones, empty DATA, window updates that we did not earn them) in a second.</summary>
    public int MaxControlFramesPerSecond { get; init; } = 1000;

    /// <summary>Streams that a peer may reset, or make us reset, in a second.</summary>
    public int MaxResetsPerSecond { get; init; } = 100;

    /// <summary>Bytes of answers (acknowledgements) that wait until the peer reads them.</summary>
    public int MaxPendingControlBytes { get; init; } = 64 * 1024;

    /// <summary>Messages that wait to be sent on one link. They are not copied, so this bounds the queue's own memory only.</summary>
    public int MaxQueuedMessages { get; init; } = 1 << 20;
}
