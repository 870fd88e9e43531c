using Grpc.Core;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>Tells a coordinator that cannot be reached from one that has answered.</summary>
internal static class Reachability
{
    /// <summary>No connection came about: nothing was asked.</summary>
    public static bool IsNotConnected(this RpcException failure) =>
        failure.Status.DebugException is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };
}
