using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>What happens to one member's all-reduce. Closed set.</summary>
public abstract record AllReduceEvent
{
    private AllReduceEvent() { }

    /// <summary>The member begins the next step.</summary>
    /// <param name="Step">Steps applied + 1.</param>
    /// <param name="Prepared">The highest generation that this member has prepared: fixed for the step.</param>
    public sealed record StepBegun(long Step, Generation Prepared) : AllReduceEvent;

    /// <summary>A bucket of the partials of this member's logical ranks is final. Buckets become final in order.</summary>
    public sealed record BucketReady(int Bucket) : AllReduceEvent;

    /// <summary>A segment came from a peer; its payload waits to be stored.</summary>
    public sealed record SegmentArrived(SegmentHeader Header) : AllReduceEvent;

    /// <summary>The link to a peer broke, or the peer ended its stream.</summary>
    public sealed record PeerLost(int Member, string Reason) : AllReduceEvent;
}

/// <summary>All of a segment but its payload; fields as in Protocol/v1/collective.proto.</summary>
/// <param name="Generation">The generation it belongs to.</param>
/// <param name="Step">Steps applied + 1.</param>
/// <param name="Sender">Index of the sender.</param>
/// <param name="IsGather">Whether it is part of a reduced slice, not of a partial.</param>
/// <param name="Node">The partial's tree node; default for a gather.</param>
/// <param name="Range">Its elements of the flat buffer.</param>
/// <param name="Prepared">Reduce: the sender's prepared generation. Gather: the least of all members.</param>
public sealed record SegmentHeader(
    Generation Generation, long Step, int Sender, bool IsGather, TreeNode Node, ElementRange Range, Generation Prepared);
