using Orchestrator.Bulk;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Hears from a joiner what it has taken in of the memory that its feed refers to.</summary>
/// <param name="sender">Holds the memory.</param>
/// <param name="lost">Told why nothing more will be heard.</param>
internal sealed class TakenReceiver(VectorSender sender, Action<string> lost) : IBulkReceiver
{
    public PayloadPlace Reserve(in BulkHeader header) =>
        throw new BulkRejectedException(BulkStatus.InvalidArgument, $"A message of phase {header.Phase} with {header.PayloadBytes} bytes came among a joiner's answers, which have no payload.");

    public void Received(in BulkHeader header)
    {
        if (header.Phase != BulkPhase.Taken)
        {
            throw new BulkRejectedException(BulkStatus.InvalidArgument, $"A message of phase {header.Phase} came among a joiner's answers; {BulkPhase.Taken} was expected.");
        }

        sender.Taken(header.Step);
    }

    public void Ended(int index, string? reason)
    {
        sender.AnswersEnded();
        lost(reason ?? "it has ended its answers.");
    }
}
