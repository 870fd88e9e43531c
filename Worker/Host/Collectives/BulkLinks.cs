using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>This member's streams to every other member of a generation, over TCP or, on one host, Unix sockets.</summary>
internal sealed class BulkLinks : ISegmentLinks
{
    private readonly BulkLink?[] _links;

    /// <summary>Connects to all other members at once. A member that cannot be reached is reported as lost, later than this returns.</summary>
    /// <param name="plan">Who the members are.</param>
    /// <param name="run">Named in the streams' metadata.</param>
    /// <param name="transport">auto (unix on one host, else tcp), tcp or unix.</param>
    /// <param name="peerLost">Called with the member's index and why, from any thread.</param>
    public BulkLinks(AllReducePlan plan, RunId run, string transport, Action<int, string> peerLost)
    {
        _links = new BulkLink?[plan.Members.Length];
        var call = new BulkCall(run.Value, plan.Generation.Number, plan.Self);
        Parallel.For(0, plan.Members.Length, new ParallelOptions { MaxDegreeOfParallelism = plan.Members.Length }, member =>
        {
            if (member == plan.Self)
            {
                return;
            }

            var address = plan.Members[member].CollectiveAddress;
            try
            {
                _links[member] = BulkLink.Connect(
                    BulkAddress.Parse(Choose(address, transport)), call, new Events(reason => peerLost(member, $"its link broke ({reason.TrimEnd('.')}).")));
            }
            catch (Exception error) when (error is BulkLinkException or IOException or FormatException)
            {
                peerLost(member, $"it cannot be reached at {address} ({error.Message.TrimEnd('.')}).");
            }
        });
    }

    public void Send(int member, SegmentHeader header, nint payload) => _links[member]?.Send(header.ToWire(), payload);

    public Task CompleteAsync() => Task.WhenAll(_links.Where(link => link is not null).Select(link => CompleteAsync(link!)));

    public ValueTask DisposeAsync()
    {
        foreach (var link in _links)
        {
            link?.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static async Task CompleteAsync(BulkLink link)
    {
        try
        {
            await link.Complete();
        }
        catch (BulkLinkException)
        {
            // A peer that has decided the last step may close its side first: it has all that it needs.
        }
    }

    private static string Choose(string address, string transport) => (transport, LocalSocket.Find(address)) switch
    {
        ("tcp", _) or ("auto", null) => address,
        (_, { } path) => $"unix:{path}",
        _ => throw new IOException($"allReduce.transport is {transport}, but {address} has no Unix socket on this host. Use auto or tcp."),
    };

    private sealed class Events(Action<string> lost) : IBulkLinkEvents
    {
        public void Sent(in BulkHeader header, object? state)
        {
            // Payloads are free when the step that needs their place begins: every member has them by then.
        }

        public void Lost(string reason) => lost(reason);
    }
}
