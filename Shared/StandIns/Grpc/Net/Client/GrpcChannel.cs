using Grpc.Core;
using Grpc.Net.Client.Internal;

namespace Grpc.Net.Client;

/// <summary>A channel over HTTP/2. Costly to make, cheap to call: keep one for each server; all members may be used by any thread.</summary>
public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private readonly Transport _transport;
    private readonly HttpCallInvoker _invoker;

    private GrpcChannel(Uri address, GrpcChannelOptions options)
        : base(address.Authority)
    {
        _transport = new Transport(address, options);
        _invoker = new HttpCallInvoker(_transport);
    }

    /// <param name="address">An http or https address; its path is not used.</param>
    public static GrpcChannel ForAddress(string address) => ForAddress(address, new GrpcChannelOptions());

    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Uri.TryCreate(address, UriKind.Absolute, out var uri)
            ? ForAddress(uri, channelOptions)
            : throw new ArgumentException($"'{address}' is no address of a gRPC server. Give one such as http://127.0.0.1:5000.", nameof(address));
    }

    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());

    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
        {
            throw new ArgumentException(
                $"'{address}' has the scheme '{address.Scheme}'. Use http:// for plain HTTP/2 or https:// for TLS.", nameof(address));
        }

        return new GrpcChannel(address, channelOptions);
    }

    public override CallInvoker CreateCallInvoker()
    {
        _transport.ThrowIfDisposed();
        return _invoker;
    }

    /// <summary>Cancels the calls under way and closes the connections that the channel owns.</summary>
    public void Dispose() => _transport.Dispose();

    protected override Task ShutdownAsyncCore()
    {
        Dispose();
        return Task.CompletedTask;
    }
}
