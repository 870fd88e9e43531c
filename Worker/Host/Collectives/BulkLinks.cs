using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>This member's streams to every other member of a generation, over TCP or, on one host, Unix sockets, with payloads in shared memory where peers can read it.</summary>
internal sealed class BulkLinks : ISegmentLinks
{
    private readonly AllReducePlan _plan;
    private readonly PeerLink?[] _links;
    private readonly SegmentDirectory? _directory;

    /// <summary>Connects to all other members at once, behind this call. What is sent meanwhile waits. A member that cannot be reached is reported as lost.</summary>
    /// <param name="plan">Who the members are.</param>
    /// <param name="run">Named in the streams' metadata.</param>
    /// <param name="transport">auto (shm on one host, else tcp), tcp, unix or shm. What of shared memory cannot be had is sent over the Unix socket.</param>
    /// <param name="peerLost">Called with the member's index and why, from any thread.</param>
    /// <param name="security">For TCP; null: plain.</param>
    public BulkLinks(AllReducePlan plan, RunId run, string transport, Action<int, string> peerLost, Func<PeerSecurity>? security = null)
    {
        _plan = plan;
        _directory = SharingRule.IsWished(transport) ? SegmentDirectory.TryMake(listsAll: true) : null;
        var call = new BulkCall(run.Value, plan.Generation.Number, plan.Self);
        _links =
        [
            .. plan.Members.Select((member, index) =>
                index == plan.Self ? null : new PeerLink(member.CollectiveAddress, transport, call, reason => peerLost(index, reason), directory: _directory, security: security)),
        ];
        Connected = Task.WhenAll(_links.OfType<PeerLink>().Select(link => link.Connected));
    }

    /// <summary>Ends when every member has been reached or reported as lost.</summary>
    public Task Connected { get; }

    public void Send(int member, SegmentHeader header, nint payload, PackedPayload? packed = null) => _links[member]?.Send(header.ToWire(), payload, packed);

    public void Tell(int member, LedgerEntry entry) => _links[member]?.Send(entry.ToWire(_plan.Generation, _plan.Self), 0);

    public Task CompleteAsync() => Task.WhenAll(_links.OfType<PeerLink>().Select(link => link.CompleteAsync()));

    /// <summary>From now on no peer uses what it reads of this member's memory in this generation. Called BEFORE any of it is overwritten for another.</summary>
    public void Withdraw() => _directory?.Dispose();

    public async ValueTask DisposeAsync()
    {
        Withdraw();
        foreach (var link in _links.OfType<PeerLink>())
        {
            await link.DisposeAsync();
        }
    }
}
