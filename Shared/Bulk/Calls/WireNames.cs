namespace Orchestrator.Bulk.Calls;

/// <summary>Names that stand in header fields.</summary>
internal static class WireNames
{
    public const string PushPath = "/orchestrator.v1.Collective/Push";
    public const string ContentType = "application/grpc";
    public const string Run = "orchestrator-run";
    public const string Generation = "orchestrator-generation";
    public const string Sender = "orchestrator-sender";
    public const string Memory = "orchestrator-memory";
    public const string GrpcStatus = "grpc-status";
    public const string GrpcMessage = "grpc-message";
    public const string GrpcEncoding = "grpc-encoding";
}
