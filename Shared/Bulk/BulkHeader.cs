namespace Orchestrator.Bulk;

/// <summary>What stands before the payload of every message: the fields of <c>orchestrator.v1.Segment</c>.</summary>
/// <param name="Generation">The generation that the message belongs to.</param>
/// <param name="Step">The step that it belongs to.</param>
/// <param name="Sender">Index of the sender in the generation.</param>
/// <param name="Phase">Reduce or gather. Receivers see any number that a peer sends.</param>
/// <param name="NodeFirst">Reduce: the first logical rank of the tree node.</param>
/// <param name="NodeLength">Reduce: the logical ranks of the tree node.</param>
/// <param name="Offset">First element in the flat gradient.</param>
/// <param name="PreparedGeneration">The highest generation that the sender had prepared, or the least of all members.</param>
/// <param name="PayloadBytes">Bytes of the payload; may be 0.</param>
/// <param name="Reference">Where the payload lies instead, when the receiver can read the sender's memory; default: nowhere.</param>
public readonly record struct BulkHeader(
    long Generation,
    long Step,
    int Sender,
    BulkPhase Phase,
    int NodeFirst,
    int NodeLength,
    long Offset,
    long PreparedGeneration,
    int PayloadBytes,
    BulkReference Reference = default);

/// <summary>A payload that stays in memory which its sender shares with the receiver.</summary>
/// <param name="Segment">Number of the piece of memory in the list that <see cref="BulkCall.Memory"/> leads to.</param>
/// <param name="Offset">Its first byte there.</param>
/// <param name="Bytes">Its length; 0: there is no such payload. Receivers see any numbers that a peer sends.</param>
public readonly record struct BulkReference(int Segment, long Offset, int Bytes);

/// <summary><c>orchestrator.v1.Phase</c>.</summary>
public enum BulkPhase
{
    /// <summary>Not said; an error.</summary>
    Unspecified = 0,

    /// <summary>On its way to the slice's owner.</summary>
    Reduce = 1,

    /// <summary>On its way from the slice's owner to everybody.</summary>
    Gather = 2,

    /// <summary>Part of a donor's state.</summary>
    State = 3,

    /// <summary>Part of a whole reduced gradient.</summary>
    Gradient = 4,

    /// <summary>The end of a feed.</summary>
    FeedEnd = 5,

    /// <summary>What was fed to a logical rank; the numbers of the header have other meanings.</summary>
    Fed = 6,

    /// <summary>As <see cref="Reduce"/>, with elements of two bytes.</summary>
    ReduceBf16 = 7,

    /// <summary>As <see cref="Gather"/>, with elements of two bytes.</summary>
    GatherBf16 = 8,

    /// <summary>A joiner has taken in what a feed referred to in shared memory.</summary>
    Taken = 9,
}
