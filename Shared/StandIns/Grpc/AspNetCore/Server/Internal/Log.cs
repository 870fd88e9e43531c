using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>What the gRPC server logs. Ids 1 to 99 of its own category.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "{Method} threw an exception that is no RpcException; the client gets UNKNOWN.")]
    public static partial void MethodThrew(ILogger logger, Exception? exception, string method);

    [LoggerMessage(2, LogLevel.Debug, "{Method} ended with {StatusCode}: {Detail}")]
    public static partial void CallFailed(ILogger logger, string method, StatusCode statusCode, string detail);

    [LoggerMessage(3, LogLevel.Debug, "{Method} was cancelled: {Detail}")]
    public static partial void CallCancelled(ILogger logger, string method, string detail);

    [LoggerMessage(4, LogLevel.Debug, "{Method} could not be ended by its deadline.")]
    public static partial void DeadlineEndFailed(ILogger logger, Exception exception, string method);
}
