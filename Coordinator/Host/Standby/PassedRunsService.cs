using Grpc.Core;
using Orchestrator.Core.Messages;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>The Runs service of a coordinator that stands by: passes every call to the owner, once, with the caller's credentials.</summary>
internal sealed class PassedRunsService(OwnerSight sight) : Protocol.V1.Runs.RunsBase
{
    public override Task<SubmitReply> Submit(SubmitRequest request, ServerCallContext context) => PassAsync(context, (client, options) => client.SubmitAsync(request, options).ResponseAsync);

    public override Task<StatusReply> Status(StatusRequest request, ServerCallContext context) => PassAsync(context, async (client, options) =>
    {
        var reply = await client.StatusAsync(request, options).ResponseAsync.ConfigureAwait(false);
        reply.PassedOnBy = sight.Self;
        return reply;
    });

    public override Task<StopReply> Stop(StopRequest request, ServerCallContext context) => PassAsync(context, (client, options) => client.StopAsync(request, options).ResponseAsync);

    public override Task<ScaleReply> Scale(ScaleRequest request, ServerCallContext context) => PassAsync(context, (client, options) => client.ScaleAsync(request, options).ResponseAsync);

    public override Task<DrainReply> Drain(DrainRequest request, ServerCallContext context) => PassAsync(context, (client, options) => client.DrainAsync(request, options).ResponseAsync);

    public override Task<ListWorkersReply> ListWorkers(ListWorkersRequest request, ServerCallContext context) =>
        PassAsync(context, (client, options) => client.ListWorkersAsync(request, options).ResponseAsync);

    public override Task Watch(WatchRequest request, IServerStreamWriter<Protocol.V1.RunEvent> responseStream, ServerCallContext context) => PassAsync(context, async (client, options) =>
    {
        using var call = client.Watch(request, options);
        while (await call.ResponseStream.MoveNext(context.CancellationToken).ConfigureAwait(false))
        {
            await responseStream.WriteAsync(call.ResponseStream.Current).ConfigureAwait(false);
        }

        return 0;
    });

    private async Task<T> PassAsync<T>(ServerCallContext context, Func<Protocol.V1.Runs.RunsClient, CallOptions, Task<T>> pass)
    {
        if (context.RequestHeaders.GetValue(CallNames.PassedOnBy) is { } former)
        {
            throw Refuse($"The coordinator at {former} took {sight.Self} for the owner of the runs, and it stands by: the ownership is changing. Ask again in a few seconds.");
        }

        var (owner, reason) = sight.Find();
        if (owner is null)
        {
            throw Refuse(reason);
        }

        try
        {
            return await pass(new Protocol.V1.Runs.RunsClient(owner.Channel), new CallOptions(HeadersOf(context), cancellationToken: context.CancellationToken)).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            throw Refuse($"The coordinator at {owner.Address} has just lost the ownership of the runs. Ask again in a few seconds.");
        }
        catch (RpcException e) when (e.IsNotConnected())
        {
            throw Refuse($"The coordinator at {owner.Address} owns the runs and does not answer. Another takes over when its lease has lapsed; ask again in a few seconds.");
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Cancelled or StatusCode.Unavailable or StatusCode.Internal && e.Trailers.Count == 0 && !context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(
                StatusCode.Unavailable, $"The coordinator at {owner.Address} broke off while it was asked by way of {sight.Self}; whether it did what was asked is not known. ({e.Status.Detail})"));
        }
        catch (RpcException e)
        {
            throw new RpcException(new Status(e.StatusCode, e.Status.Detail), e.Trailers);
        }
    }

    private Metadata HeadersOf(ServerCallContext context)
    {
        var headers = new Metadata { { CallNames.PassedOnBy, sight.Self } };
        if (context.RequestHeaders.GetValue(BearerHeader.Name) is { } credentials)
        {
            headers.Add(BearerHeader.Name, credentials);
        }

        return headers;
    }

    /// <summary>Nothing was done.</summary>
    private RpcException Refuse(string reason) => new(new Status(StatusCode.Unavailable, reason), new Metadata { { CallNames.NotTaken, sight.Self } });
}
