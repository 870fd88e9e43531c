using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>What one event leaves an exchange to do outside of its lock.</summary>
internal sealed class ExchangeTurn
{
    /// <summary>Pieces of this member's partials, to be sent.</summary>
    public List<OutgoingPiece> Partials { get; } = [];

    /// <summary>Pieces of which all partials are here.</summary>
    public List<PieceReduction> Reductions { get; } = [];
}

/// <param name="Member">Index of the receiver.</param>
/// <param name="Header">Says which elements.</param>
/// <param name="Payload">The first one, as fp32; zero when there are none.</param>
/// <param name="Packed">The same elements for a link that sends them; null: they travel as they are.</param>
internal readonly record struct OutgoingPiece(int Member, SegmentHeader Header, nint Payload, PackedPayload? Packed);

/// <summary>The additions of one piece, and what is sent when they are done.</summary>
/// <param name="range">The piece.</param>
/// <param name="merge">The additions.</param>
/// <param name="inputs">The piece in each partial, in their order.</param>
internal sealed class PieceReduction(ElementRange range, MergePlan merge, PieceInput[] inputs)
{
    public ElementRange Range => range;

    public MergePlan Merge => merge;

    public PieceInput[] Inputs => inputs;

    /// <summary>Of the sum, for all other members.</summary>
    public SegmentHeader? Header { get; set; }
}
