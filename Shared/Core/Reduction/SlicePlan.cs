using System.Collections.Immutable;

namespace Orchestrator.Core.Reduction;

/// <summary>Elements of the flat buffer from Offset on, Length of them.</summary>
public readonly record struct ElementRange(long Offset, long Length)
{
    public long End => Offset + Length;
}

/// <summary>Cuts a bucket of the flat buffer into one slice for each member: the part that this member reduces for all.</summary>
public static class SlicePlan
{
    /// <summary>64 bytes of fp32: a slice starts at a cache line, and vector loads never straddle two slices.</summary>
    public const int AlignmentElements = 16;

    /// <param name="bucket">Starts at a multiple of <see cref="AlignmentElements"/>.</param>
    /// <param name="members">At least 1.</param>
    /// <returns>Contiguous ranges that cover the bucket; some are empty when it has few elements.</returns>
    public static ImmutableArray<ElementRange> Even(ElementRange bucket, int members)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bucket.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(members, 1);
        var blocks = (bucket.Length + AlignmentElements - 1) / AlignmentElements;
        var slices = ImmutableArray.CreateBuilder<ElementRange>(members);
        for (var i = 0; i < members; i++)
        {
            var first = Math.Min(bucket.Length, blocks * i / members * AlignmentElements);
            var end = Math.Min(bucket.Length, blocks * (i + 1) / members * AlignmentElements);
            slices.Add(new ElementRange(bucket.Offset + first, end - first));
        }

        return slices.MoveToImmutable();
    }

    /// <summary>Cuts a slice into the pieces that travel as one message each.</summary>
    /// <param name="slice">What is cut.</param>
    /// <param name="pieceElements">Most elements of a piece; at least 1.</param>
    /// <returns>None when the slice is empty.</returns>
    public static ImmutableArray<ElementRange> Pieces(ElementRange slice, int pieceElements)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pieceElements, 1);
        var pieces = ImmutableArray.CreateBuilder<ElementRange>();
        for (var offset = slice.Offset; offset < slice.End; offset += pieceElements)
        {
            pieces.Add(new ElementRange(offset, Math.Min(pieceElements, slice.End - offset)));
        }

        return pieces.ToImmutable();
    }
}
