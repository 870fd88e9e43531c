namespace Orchestrator.Bulk;

/// <summary>What happens on a link.</summary>
public interface IBulkLinkEvents
{
    /// <summary>The kernel has taken the whole message: its payload is not read any more. On the link's sending thread, never on one that queues; must
    /// not block. A message without payload has nothing to give back, and is not told of; nor is any with <see cref="BulkLinkOptions.TellsSent"/> false.</summary>
    void Sent(in BulkHeader header, object? state);

    /// <summary>The link is lost: once, at once, on the link's receiving thread. Not called after <see cref="BulkLink.Dispose"/> or the end in order.
    /// Payloads that were not sent may still be read until <see cref="BulkLink.Dispose"/> returns.</summary>
    void Lost(string reason);
}
