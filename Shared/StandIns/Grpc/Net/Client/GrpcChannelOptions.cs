using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client;

/// <summary>How a channel reaches its server. Read when the channel is made; later changes have no effect.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>Null: by the address, https is secure and http is not.</summary>
    public ChannelCredentials? Credentials { get; set; }

    /// <summary>Bytes of a message to send; null (the default) means up to 2 GiB.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>Bytes of a received message, decompressed; default 4 MiB, null means up to 2 GiB.</summary>
    public int? MaxReceiveMessageSize { get; set; } = MessageFrame.DefaultMaxReceiveMessageSize;

    /// <summary>
    /// Sends the requests; keep-alive pings, TLS, connect time-out and window sizes are set on it. Null: a SocketsHttpHandler of the
    /// channel's own. Not together with <see cref="HttpClient"/>.
    /// </summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>Sends the requests; its <see cref="HttpClient.Timeout"/> bounds every call. Not together with <see cref="HttpHandler"/>.</summary>
    public HttpClient? HttpClient { get; set; }

    /// <summary>True: disposing the channel disposes the handler or client given here.</summary>
    public bool DisposeHttpClient { get; set; }

    /// <summary>True: a cancelled call throws <see cref="OperationCanceledException"/> instead of <see cref="RpcException"/>.</summary>
    public bool ThrowOperationCanceledOnCancellation { get; set; }

    /// <summary>True: call credentials are sent over plain http too.</summary>
    public bool UnsafeUseInsecureChannelCallCredentials { get; set; }

    /// <summary>The first wait before a server that could not be reached is tried again for a wait-for-ready call; default 1 s.</summary>
    public TimeSpan InitialReconnectBackoff { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest such wait; default 120 s, null means no bound.</summary>
    public TimeSpan? MaxReconnectBackoff { get; set; } = TimeSpan.FromSeconds(120);
}
