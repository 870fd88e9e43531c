using Grpc.Wire;

namespace Grpc.AspNetCore.Server;

/// <summary>How services are served; of all services, or of one by <see cref="GrpcServiceOptions{TService}"/>. Read when a service is mapped.</summary>
public class GrpcServiceOptions
{
    private int? _maxSendMessageSize;
    private int? _maxReceiveMessageSize = MessageFrame.DefaultMaxReceiveMessageSize;

    /// <summary>Bytes of a message to send; null (the default) means up to 2 GiB.</summary>
    public int? MaxSendMessageSize
    {
        get => _maxSendMessageSize;
        set => (_maxSendMessageSize, IsMaxSendMessageSizeSet) = (value, true);
    }

    /// <summary>Bytes of a received message, decompressed; default 4 MiB, null means up to 2 GiB.</summary>
    public int? MaxReceiveMessageSize
    {
        get => _maxReceiveMessageSize;
        set => (_maxReceiveMessageSize, IsMaxReceiveMessageSizeSet) = (value, true);
    }

    /// <summary>True: the client is told the exception of a service method that failed. Default false.</summary>
    public bool? EnableDetailedErrors { get; set; }

    /// <summary>True: a service that is not mapped is left to other endpoints instead of UNIMPLEMENTED. Default false.</summary>
    public bool? IgnoreUnknownServices { get; set; }

    /// <summary>Stand around every call, the first outermost.</summary>
    public InterceptorCollection Interceptors { get; } = [];

    internal bool IsMaxSendMessageSizeSet { get; private set; }

    internal bool IsMaxReceiveMessageSizeSet { get; private set; }
}

/// <summary>The options of one service; what is not set is taken from <see cref="GrpcServiceOptions"/>, and its interceptors come first.</summary>
public class GrpcServiceOptions<TService> : GrpcServiceOptions
    where TService : class
{
}
