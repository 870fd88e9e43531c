using Grpc.AspNetCore.Server.Internal;
using Microsoft.AspNetCore.Http;

namespace Grpc.Core;

/// <summary>The HTTP side of a call.</summary>
public static class ServerCallContextExtensions
{
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext)
    {
        ArgumentNullException.ThrowIfNull(serverCallContext);
        return (serverCallContext as HttpServerCallContext)?.HttpContext
            ?? (serverCallContext.UserState.TryGetValue("__HttpContext", out var state) ? state as HttpContext : null)
            ?? throw new InvalidOperationException($"{serverCallContext.GetType()} has no HttpContext. Put it in UserState under '__HttpContext'.");
    }
}
