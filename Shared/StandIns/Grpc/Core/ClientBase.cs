namespace Grpc.Core;

/// <summary>What every generated client stub derives from.</summary>
public abstract class ClientBase<T> : ClientBase
    where T : ClientBase<T>
{
    /// <summary>For test doubles only.</summary>
    protected ClientBase()
    {
    }

    protected ClientBase(ChannelBase channel)
        : base(channel)
    {
    }

    protected ClientBase(CallInvoker callInvoker)
        : base(callInvoker)
    {
    }

    protected ClientBase(ClientBaseConfiguration configuration)
        : base(configuration)
    {
    }

    /// <summary>The same client with another <c>:authority</c>.</summary>
    public T WithHost(string host) => NewInstance(new ClientBaseConfiguration(Configuration.UndecoratedCallInvoker, host));

    protected abstract T NewInstance(ClientBaseConfiguration configuration);
}

/// <summary>What every generated client stub derives from, without its own type.</summary>
public abstract class ClientBase
{
    /// <summary>For test doubles only.</summary>
    protected ClientBase()
        : this(new UnimplementedCallInvoker())
    {
    }

    protected ClientBase(ChannelBase channel)
        : this((channel ?? throw new ArgumentNullException(nameof(channel))).CreateCallInvoker())
    {
    }

    protected ClientBase(CallInvoker callInvoker)
        : this(new ClientBaseConfiguration(callInvoker, null))
    {
    }

    protected ClientBase(ClientBaseConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        Configuration = configuration;
        CallInvoker = configuration.Host is null
            ? configuration.UndecoratedCallInvoker
            : new HostCallInvoker(configuration.UndecoratedCallInvoker, configuration.Host);
    }

    protected CallInvoker CallInvoker { get; }

    internal ClientBaseConfiguration Configuration { get; }

    /// <summary>The invoker and the host of a client, as it hands them to a copy of itself.</summary>
    protected internal class ClientBaseConfiguration
    {
        internal ClientBaseConfiguration(CallInvoker undecoratedCallInvoker, string? host)
        {
            ArgumentNullException.ThrowIfNull(undecoratedCallInvoker);
            UndecoratedCallInvoker = undecoratedCallInvoker;
            Host = host;
        }

        internal CallInvoker UndecoratedCallInvoker { get; }

        internal string? Host { get; }
    }
}
