using System.Collections.Immutable;

namespace Orchestrator.Core.Reduction;

/// <summary>Elements of the flat buffer from Offset on, Length of them.</summary>
public readonly record struct ElementRange(long Offset, long Length)
{
    public long End => Offset + Length;
}

/// <summary>Cuts the flat buffer into one slice for each member: the part that this member reduces for all.</summary>
public static class SlicePlan
{
    /// <summary>64 bytes of fp32: a slice starts at a cache line, and vector loads never straddle two slices.</summary>
    public const int AlignmentElements = 16;

    /// <returns>Contiguous ranges that cover all elements; the last ones may be empty when there are few elements.</returns>
    public static ImmutableArray<ElementRange> Even(long elementCount, int members)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(members, 1);
        var blocks = (elementCount + AlignmentElements - 1) / AlignmentElements;
        var slices = ImmutableArray.CreateBuilder<ElementRange>(members);
        for (var i = 0; i < members; i++)
        {
            var offset = Math.Min(elementCount, blocks * i / members * AlignmentElements);
            var end = Math.Min(elementCount, blocks * (i + 1) / members * AlignmentElements);
            slices.Add(new ElementRange(offset, end - offset));
        }

        return slices.MoveToImmutable();
    }

    /// <summary>Cuts a slice into the pieces that travel as one message each.</summary>
    /// <param name="slice">What is cut.</param>
    /// <param name="pieceElements">Most elements of a piece; at least 1.</param>
    /// <returns>At least one piece, empty when the slice is: its message then carries only what the header says.</returns>
    public static ImmutableArray<ElementRange> Pieces(ElementRange slice, int pieceElements)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pieceElements, 1);
        var pieces = ImmutableArray.CreateBuilder<ElementRange>();
        var offset = slice.Offset;
        do
        {
            var length = Math.Min(pieceElements, slice.End - offset);
            pieces.Add(new ElementRange(offset, length));
            offset += length;
        }
        while (offset < slice.End);

        return pieces.ToImmutable();
    }
}
