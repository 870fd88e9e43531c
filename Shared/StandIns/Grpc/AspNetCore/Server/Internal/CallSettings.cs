using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The options that hold for one service: its own where set, those of all services otherwise.</summary>
internal sealed record CallSettings(
    int? MaxSendMessageSize,
    int? MaxReceiveMessageSize,
    bool EnableDetailedErrors,
    ImmutableArray<InterceptorRegistration> Interceptors,
    ILogger Logger)
{
    public static CallSettings From(GrpcServiceOptions all, GrpcServiceOptions? service, ILoggerFactory loggers) => new(
        service is { IsMaxSendMessageSizeSet: true } ? service.MaxSendMessageSize : all.MaxSendMessageSize,
        service is { IsMaxReceiveMessageSizeSet: true } ? service.MaxReceiveMessageSize : all.MaxReceiveMessageSize,
        service?.EnableDetailedErrors ?? all.EnableDetailedErrors ?? false,
        [.. all.Interceptors, .. service?.Interceptors ?? []],
        loggers.CreateLogger("Grpc.AspNetCore.Server.ServerCallHandler"));
}
