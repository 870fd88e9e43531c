using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>This member's way to the other members of a generation: what a transport gives to the exchange above it.</summary>
internal interface ISegmentLinks : IAsyncDisposable
{
    /// <summary>Queues a segment; never blocks. The payload stays where it is and unchanged until the receiver has it.</summary>
    /// <param name="member">Index of the receiver.</param>
    /// <param name="header">Says how many elements.</param>
    /// <param name="payload">First element, as fp32; zero when there are none.</param>
    /// <param name="packed">The same elements for a link that sends them; null: they travel as they are.</param>
    void Send(int member, SegmentHeader header, nint payload, PackedPayload? packed = null);

    /// <summary>Queues an entry of the ledger; it comes before every segment that is sent after it.</summary>
    /// <param name="member">Index of the receiver.</param>
    /// <param name="entry">Of a rank of this member.</param>
    void Tell(int member, LedgerEntry entry);

    /// <summary>Sends what is queued and ends the streams in order. Called when the last step is decided.</summary>
    Task CompleteAsync();
}
