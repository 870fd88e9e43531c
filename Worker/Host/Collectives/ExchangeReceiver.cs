using Orchestrator.Bulk;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Brings what peers push to the exchange of a generation.</summary>
internal sealed class ExchangeReceiver(GradientExchange exchange) : IBulkReceiver
{
    public PayloadPlace Reserve(in BulkHeader header)
    {
        try
        {
            var place = exchange.Reserve(header.ToDomain());
            return place != 0
                ? new PayloadPlace(place, header.PayloadBytes)
                : throw new BulkRejectedException(BulkStatus.Aborted, $"Generation {header.Generation} is not in force here any more.");
        }
        catch (ExchangeException error)
        {
            throw new BulkRejectedException(BulkStatus.FailedPrecondition, error.Message);
        }
    }

    public void Received(in BulkHeader header) => exchange.Received(header.ToDomain());

    public void Ended(int sender, string? reason)
    {
        // In order: the peer has sent all that it owes and needs nothing more.
        if (reason is not null)
        {
            exchange.PeerLost(sender, reason);
        }
    }
}
