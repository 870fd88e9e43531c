using System.Collections.Immutable;

namespace Grpc.Core;

/// <summary>How a channel is secured.</summary>
public abstract class ChannelCredentials
{
    /// <summary>No transport security (http).</summary>
    public static ChannelCredentials Insecure { get; } = new InsecureChannelCredentials();

    /// <summary>TLS with the handler's own validation (https).</summary>
    public static ChannelCredentials SecureSsl { get; } = new SslCredentials();

    internal abstract bool IsSecure { get; }

    internal virtual CallCredentials? CallCredentials => null;

    /// <summary>Transport security together with credentials that are added to every call.</summary>
    public static ChannelCredentials Create(ChannelCredentials channelCredentials, CallCredentials callCredentials)
    {
        ArgumentNullException.ThrowIfNull(channelCredentials);
        ArgumentNullException.ThrowIfNull(callCredentials);
        return new CompositeChannelCredentials(channelCredentials, callCredentials);
    }

    private sealed class InsecureChannelCredentials : ChannelCredentials
    {
        internal override bool IsSecure => false;
    }

    private sealed class CompositeChannelCredentials(ChannelCredentials channel, CallCredentials call) : ChannelCredentials
    {
        internal override bool IsSecure => channel.IsSecure;

        internal override CallCredentials CallCredentials =>
            channel.CallCredentials is null ? call : Core.CallCredentials.Compose(channel.CallCredentials, call);
    }
}

/// <summary>TLS as the HTTP handler does it; certificates are set on the handler.</summary>
public sealed class SslCredentials : ChannelCredentials
{
    internal override bool IsSecure => true;
}

/// <summary>Adds headers (a token, say) to the metadata of a call.</summary>
public delegate Task AsyncAuthInterceptor(AuthInterceptorContext context, Metadata metadata);

/// <summary>The call that headers are added to.</summary>
public class AuthInterceptorContext(string serviceUrl, string methodName, CancellationToken cancellationToken)
{
    public AuthInterceptorContext(string serviceUrl, string methodName)
        : this(serviceUrl, methodName, CancellationToken.None)
    {
    }

    public string ServiceUrl { get; } = serviceUrl;

    public string MethodName { get; } = methodName;

    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>Credentials of a call: they add headers to it.</summary>
public abstract class CallCredentials
{
    public static CallCredentials FromInterceptor(AsyncAuthInterceptor interceptor)
    {
        ArgumentNullException.ThrowIfNull(interceptor);
        return new InterceptorCallCredentials([interceptor]);
    }

    /// <summary>All of the given credentials, in their order.</summary>
    public static CallCredentials Compose(params CallCredentials[] credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        return new InterceptorCallCredentials([.. credentials.SelectMany(credential => credential.Interceptors)]);
    }

    internal abstract ImmutableArray<AsyncAuthInterceptor> Interceptors { get; }

    private sealed class InterceptorCallCredentials(ImmutableArray<AsyncAuthInterceptor> interceptors) : CallCredentials
    {
        internal override ImmutableArray<AsyncAuthInterceptor> Interceptors => interceptors;
    }
}
