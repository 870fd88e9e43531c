using Orchestrator.Bulk;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Puts together the pieces of a vector that lies in a donor's memory: they come in order and lie one behind the other.</summary>
internal sealed class LentVector
{
    private BulkHeader _first;
    private BulkReference _start;
    private long _end = -1;

    /// <summary>Where the vector begun last starts in the donor's memory.</summary>
    public BulkReference Start => _start;

    /// <summary>One more piece.</summary>
    /// <param name="piece">Its header, with the length that the reference has.</param>
    /// <param name="reference">Where it lies.</param>
    /// <param name="bytes">Of the whole vector.</param>
    /// <returns>Whether the vector is whole.</returns>
    /// <exception cref="BulkRejectedException">It does not go on where the piece before it ended.</exception>
    public bool Add(in BulkHeader piece, BulkReference reference, long bytes)
    {
        var (first, end) = (VectorPieces.ByteOf(piece), VectorPieces.EndOf(piece));
        if (first == 0)
        {
            (_first, _start, _end) = (piece, reference, 0);
        }

        if (first != _end || end > bytes || (piece.Phase, piece.Step) != (_first.Phase, _first.Step)
            || (reference.Segment, reference.Offset) != (_start.Segment, _start.Offset + first))
        {
            throw new BulkRejectedException(
                BulkStatus.InvalidArgument,
                $"Bytes [{first}, {end}) of a {piece.Phase} of step {piece.Step} in the donor's memory: the next of {bytes} behind {_end} were expected. Check that all workers run the same job file and version.");
        }

        _end = end;
        return end == bytes;
    }
}
