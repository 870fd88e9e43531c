namespace Orchestrator.Bulk.Links;

/// <summary>A message that waits to be sent, and how much of it is.</summary>
internal struct Outgoing
{
    public BulkHeader Header;
    public nint Payload;
    public object? State;

    /// <summary>Bytes of the gRPC message, its prefix included, that are in frames already.</summary>
    public int Framed;

    /// <summary>By how much its head is longer than it must be; set with its first frame.</summary>
    public int Padding;
}
