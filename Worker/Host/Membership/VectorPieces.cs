using Orchestrator.Bulk;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Cuts a long piece of memory into messages.</summary>
internal static class VectorPieces
{
    /// <summary>4 MiB: framing costs nothing, and a receiver's buffers stay small.</summary>
    private const long PieceBytes = 4 << 20;

    /// <summary>The run's name under which the streams of a feed are opened.</summary>
    public static string FeedName(string run) => $"{run}/feed";

    /// <summary>The run's name under which a reduced gradient is given to a member that is behind.</summary>
    public static string GiftName(string run) => $"{run}/gift";

    /// <summary>The run's name under which a joiner tells its donor what it has taken in.</summary>
    public static string TakenName(string run) => $"{run}/taken";

    /// <param name="phase">State (offsets count bytes) or gradient (offsets count elements).</param>
    /// <param name="generation">Of the stream.</param>
    /// <param name="step">Of the vector.</param>
    /// <param name="sender">Of the stream.</param>
    /// <param name="memory">Its beginning.</param>
    /// <param name="bytes">Its length.</param>
    public static IEnumerable<(BulkHeader Header, nint Payload)> Cut(BulkPhase phase, long generation, long step, int sender, nint memory, long bytes)
    {
        for (long at = 0; at < bytes; at += PieceBytes)
        {
            var length = (int)Math.Min(PieceBytes, bytes - at);
            var offset = phase == BulkPhase.Gradient ? at / sizeof(float) : at;
            yield return (new BulkHeader(generation, step, sender, phase, 0, 0, offset, 0, length), memory + (nint)at);
        }
    }

    /// <summary>Where a piece ends, in bytes.</summary>
    public static long EndOf(in BulkHeader header) => ByteOf(header) + header.PayloadBytes;

    /// <summary>Where a piece begins, in bytes.</summary>
    public static long ByteOf(in BulkHeader header) => header.Phase == BulkPhase.Gradient ? header.Offset * sizeof(float) : header.Offset;
}
