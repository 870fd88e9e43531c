using Grpc.Core;
using Orchestrator.Actors;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.Mapping;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>One call per worker, open for as long as it is attached: what it says becomes events, orders are written to it.</summary>
public sealed class WorkerControlService(CoordinatorActor coordinator) : WorkerControl.WorkerControlBase
{
    /// <summary>For the first message: it is sent as soon as the stream is open.</summary>
    private static readonly TimeSpan HelloWait = TimeSpan.FromSeconds(30);

    public override async Task Attach(
        IAsyncStreamReader<WorkerMessage> requestStream, IServerStreamWriter<CoordinatorMessage> responseStream, ServerCallContext context)
    {
        var hello = await ReadHelloAsync(requestStream, context).ConfigureAwait(false);
        var connection = coordinator.Open();
        try
        {
            await coordinator.PostAsync(new ClusterEvent.WorkerAttached(connection.Id, hello) { OnlyRun = context.GetHttpContext().Features.Get<JoinGrant>()?.Run }).ConfigureAwait(false);
            var worker = await AdmittedAsync(connection, context.CancellationToken).ConfigureAwait(false);
            var writing = WriteOrdersAsync(connection, responseStream, context.CancellationToken);
            var reason = await ReadUntilLostAsync(worker, connection, requestStream, context.CancellationToken).ConfigureAwait(false);
            if (coordinator.Forget(connection, worker))
            {
                await coordinator.PostAsync(new ClusterEvent.WorkerLost(worker, reason)).ConfigureAwait(false);
            }

            connection.Close();
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (WorkerRejectedException e)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, e.Message));
        }
        catch (ActorStoppedException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The coordinator is ending."));
        }
        finally
        {
            coordinator.Close(connection);
        }
    }

    /// <summary>The admission is told when it is stored. Before that the worker may go, and the ownership of the runs may end: then nobody tells it any more.</summary>
    /// <exception cref="WorkerRejectedException">It may not attach.</exception>
    /// <exception cref="RpcException">It is not taken in here.</exception>
    private async Task<WorkerId> AdmittedAsync(WorkerConnection connection, CancellationToken cancellation)
    {
        Task either = Task.WhenAny(connection.Admission, connection.Broken).WaitAsync(cancellation);
        await either.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!connection.Admission.IsCompleted && coordinator.Withdraw(connection))
        {
            throw new RpcException(new Status(
                StatusCode.Unavailable, connection.Broken.IsCompletedSuccessfully ? await connection.Broken.ConfigureAwait(false) : "The worker went before it was taken in."));
        }

        // From here on it is lost as any other.
        return await connection.Admission.ConfigureAwait(false);
    }

    private static async Task<Orchestrator.Core.Messages.WorkerMessage.Hello> ReadHelloAsync(
        IAsyncStreamReader<WorkerMessage> requestStream, ServerCallContext context)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        patience.CancelAfter(HelloWait);
        try
        {
            if (await requestStream.MoveNext(patience.Token).ConfigureAwait(false)
                && requestStream.Current.ToDomain() is Orchestrator.Core.Messages.WorkerMessage.Hello hello)
            {
                return hello;
            }
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"No Hello came within {HelloWait.TotalSeconds:0} s of opening the stream."));
        }

        throw new RpcException(new Status(StatusCode.InvalidArgument, "The first message of a worker is Hello; another one, or none, came. Run the same version on every host."));
    }

    /// <returns>How the stream ended, in words that follow "the worker was lost: ".</returns>
    private async Task<string> ReadUntilLostAsync(
        WorkerId worker, WorkerConnection connection, IAsyncStreamReader<WorkerMessage> requestStream, CancellationToken cancellation)
    {
        using var given = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _ = connection.Broken.ContinueWith(_ => given.Cancel(), given.Token, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            while (await requestStream.MoveNext(given.Token).ConfigureAwait(false))
            {
                if (requestStream.Current.ToDomain() is { } message)
                {
                    await coordinator.PostAsync(new ClusterEvent.WorkerSaid(worker, message), cancellation).ConfigureAwait(false);
                }
            }

            return "it closed its stream";
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or RpcException or InvalidOperationException)
        {
            return connection.Broken.IsCompletedSuccessfully ? await connection.Broken.ConfigureAwait(false) : "its stream broke";
        }
    }

    private async Task WriteOrdersAsync(WorkerConnection connection, IServerStreamWriter<CoordinatorMessage> responseStream, CancellationToken cancellation)
    {
        var orders = new OrderWriter(coordinator.SharedOrders);
        await foreach (var order in connection.ReadOrdersAsync(coordinator.MayOrder, cancellation).ConfigureAwait(false))
        {
            await responseStream.WriteAsync(orders.ToWire(order), cancellation).ConfigureAwait(false);
        }
    }
}
