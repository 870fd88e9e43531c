using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>What one event leaves an exchange to do outside of its lock.</summary>
internal sealed class ExchangeTurn
{
    /// <summary>What is ready to be sent: pieces of this member's partials, and sums that go on to others.</summary>
    public List<OutgoingPiece> Sends { get; } = [];

    /// <summary>Pieces of which all partials are here.</summary>
    public List<PieceReduction> Reductions { get; } = [];
}

/// <param name="Member">Index of the receiver.</param>
/// <param name="Header">Says which elements.</param>
/// <param name="Payload">The first one, as fp32; zero when there are none.</param>
/// <param name="Packed">The same elements for a link that sends them; null: they travel as they are.</param>
internal readonly record struct OutgoingPiece(int Member, SegmentHeader Header, nint Payload, PackedPayload? Packed);

/// <summary>The additions of one piece, and what is sent when they are done.</summary>
/// <param name="Range">The piece.</param>
internal sealed record PieceReduction(ElementRange Range)
{
    /// <summary>One at a root; one for each node that comes out at a collector.</summary>
    public List<Sum> Sums { get; } = [];

    public List<OutgoingPiece> Sends { get; } = [];

    /// <summary>Places of received pieces, free when the additions are done.</summary>
    public List<nint> Taken { get; } = [];

    /// <param name="Plan">The additions.</param>
    /// <param name="Inputs">The piece in each partial, in their order.</param>
    /// <param name="Target">First element of the result.</param>
    public readonly record struct Sum(MergePlan Plan, PieceInput[] Inputs, nint Target);
}
