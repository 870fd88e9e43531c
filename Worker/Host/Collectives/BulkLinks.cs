using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>This member's streams to every other member of a generation, over TCP or, on one host, Unix sockets.</summary>
internal sealed class BulkLinks : ISegmentLinks
{
    private readonly PeerLink?[] _links;

    /// <summary>Connects to all other members at once, behind this call. What is sent meanwhile waits. A member that cannot be reached is reported as lost.</summary>
    /// <param name="plan">Who the members are.</param>
    /// <param name="run">Named in the streams' metadata.</param>
    /// <param name="transport">auto (unix on one host, else tcp), tcp or unix.</param>
    /// <param name="peerLost">Called with the member's index and why, from any thread.</param>
    public BulkLinks(AllReducePlan plan, RunId run, string transport, Action<int, string> peerLost)
    {
        var call = new BulkCall(run.Value, plan.Generation.Number, plan.Self);
        _links =
        [
            .. plan.Members.Select((member, index) =>
                index == plan.Self ? null : new PeerLink(member.CollectiveAddress, transport, call, reason => peerLost(index, reason))),
        ];
        Connected = Task.WhenAll(_links.OfType<PeerLink>().Select(link => link.Connected));
    }

    /// <summary>Ends when every member has been reached or reported as lost.</summary>
    public Task Connected { get; }

    public void Send(int member, SegmentHeader header, nint payload) => _links[member]?.Send(header.ToWire(), payload);

    public Task CompleteAsync() => Task.WhenAll(_links.OfType<PeerLink>().Select(link => link.CompleteAsync()));

    public async ValueTask DisposeAsync()
    {
        foreach (var link in _links.OfType<PeerLink>())
        {
            await link.DisposeAsync();
        }
    }
}
