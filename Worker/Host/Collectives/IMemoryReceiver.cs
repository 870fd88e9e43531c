using Orchestrator.Bulk;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>A receiver that may read payloads where they lie, in its senders' memory: on this host, when they share it.</summary>
internal interface IMemoryReceiver : IBulkReceiver
{
    /// <summary>A peer begins its stream: its memory is mapped, if it shares any. Before the stream's first message; must not block.</summary>
    /// <exception cref="BulkRejectedException">It cannot be.</exception>
    void Meet(in BulkCall call);

    /// <summary>Returns when nothing of the receiver runs on a transport's thread, nor will. Peers' memory is let go.</summary>
    void Close();
}
