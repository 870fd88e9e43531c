using System.Collections.Frozen;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>The one table of who may call what. A route that does not stand here is refused.</summary>
public static class RouteRules
{
    /// <summary>Key: METHOD PATTERN as <see cref="RouteKey"/> gives it.</summary>
    public static FrozenDictionary<string, AccessNeed> All { get; } = new Dictionary<string, AccessNeed>
    {
        // Numbers, addresses and run ids, which monitoring reads without a secret; nothing can be changed by them.
        ["GET /metrics"] = AccessNeed.Nothing,
        ["GET /targets"] = AccessNeed.Nothing,
        ["GET /healthz"] = AccessNeed.Nothing,

        // What the API looks like, not what it holds.
        ["GET /openapi.json"] = AccessNeed.Nothing,

        ["GET /api/v1/runs"] = AccessNeed.Viewer,
        ["GET /api/v1/runs/{id}"] = AccessNeed.Viewer,
        ["GET /api/v1/runs/{id}/events"] = AccessNeed.Viewer,
        ["GET /api/v1/runs/{id}/steps"] = AccessNeed.Viewer,
        ["GET /api/v1/workers"] = AccessNeed.Viewer,
        ["POST /api/v1/runs"] = AccessNeed.Submitter,
        ["POST /api/v1/runs/{id}/stop"] = AccessNeed.Submitter,
        ["POST /api/v1/runs/{id}/scale"] = AccessNeed.Submitter,
        ["POST /api/v1/workers/{id}/drain"] = AccessNeed.Admin,
        ["DELETE /api/v1/workers/{id}/drain"] = AccessNeed.Admin,

        ["POST /orchestrator.v1.WorkerControl/Attach"] = AccessNeed.Worker,
        ["POST /orchestrator.v1.Runs/Status"] = AccessNeed.Viewer,
        ["POST /orchestrator.v1.Runs/Watch"] = AccessNeed.Viewer,
        ["POST /orchestrator.v1.Runs/ListWorkers"] = AccessNeed.Viewer,
        ["POST /orchestrator.v1.Runs/Submit"] = AccessNeed.Submitter,
        ["POST /orchestrator.v1.Runs/Stop"] = AccessNeed.Submitter,
        ["POST /orchestrator.v1.Runs/Scale"] = AccessNeed.Submitter,
        ["POST /orchestrator.v1.Runs/Drain"] = AccessNeed.Admin,

        // What gRPC answers to a method or a service that is not there: a newer client learns that it is newer.
        ["POST /orchestrator.v1.WorkerControl/{grpcMethod}"] = AccessNeed.AnyToken,
        ["POST /orchestrator.v1.Runs/{grpcMethod}"] = AccessNeed.AnyToken,
        ["POST /{grpcService}/{grpcMethod}"] = AccessNeed.AnyToken,
    }.ToFrozenDictionary(StringComparer.Ordinal);
}
