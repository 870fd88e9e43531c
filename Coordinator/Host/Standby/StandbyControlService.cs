using Grpc.Core;
using Orchestrator.Core.Messages;
using Orchestrator.Protocol.V1;
using CoordinatorMessage = Orchestrator.Protocol.V1.CoordinatorMessage;
using WorkerMessage = Orchestrator.Protocol.V1.WorkerMessage;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>Sends every worker to the owner: a standby gives no orders.</summary>
internal sealed class StandbyControlService(OwnerSight sight) : WorkerControl.WorkerControlBase
{
    /// <summary>For the first message: it is sent as soon as the stream is open.</summary>
    private static readonly TimeSpan HelloWait = TimeSpan.FromSeconds(5);

    public override async Task Attach(IAsyncStreamReader<WorkerMessage> requestStream, IServerStreamWriter<CoordinatorMessage> responseStream, ServerCallContext context)
    {
        // An answer before the first message would reach a worker that still writes it.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        patience.CancelAfter(HelloWait);
        try
        {
            await requestStream.MoveNext(patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // It is answered all the same.
        }

        var (owner, reason) = sight.Find();
        throw owner is null
            ? new RpcException(new Status(StatusCode.Unavailable, $"The coordinator at {sight.Self} stands by. {reason}"))
            : new RpcException(
                new Status(StatusCode.Unavailable, $"The coordinator at {sight.Self} stands by; the one at {owner.Address} owns the runs under term {owner.Term}."),
                new Metadata { { CallNames.Owner, owner.Address } });
    }
}
