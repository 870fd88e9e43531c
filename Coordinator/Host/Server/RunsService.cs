using System.Collections.Immutable;
using Grpc.Core;
using Orchestrator.Actors;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Coordinator.Host.Launch;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.V1;
using Orchestrator.Storage;
using RunState = Orchestrator.Coordinator.Core.Runs.RunState;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>What the command line asks: submit, watch, status, stop, scale, drain, workers.</summary>
public sealed class RunsService(CoordinatorActor coordinator, CoordinatorOptions options, TimeProvider time) : Protocol.V1.Runs.RunsBase
{
    /// <summary>What a reader of protocol buffers puts in place of bytes that are no character.</summary>
    private const char NoCharacter = '\uFFFD';

    public override async Task<SubmitReply> Submit(SubmitRequest request, ServerCallContext context)
    {
        var outcome = JobFile.FromJson(request.JobJson, "submitted job");
        if (outcome.Job is null)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, string.Join('\n', outcome.Errors)));
        }

        if (request.JobJson.Contains(NoCharacter, StringComparison.Ordinal))
        {
            throw new RpcException(new Status(
                StatusCode.InvalidArgument, $"The job has U+FFFD at position {request.JobJson.IndexOf(NoCharacter, StringComparison.Ordinal)}, which stands for bytes that are not UTF-8. Send UTF-8."));
        }

        if (request.HasStopAfter && request.StopAfter < 1)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"stopAfter is {request.StopAfter}; a step from 1 on is needed."));
        }

        foreach (var (name, path, what) in new[] { ("out", request.HasOut ? request.Out : null, "a folder"), ("resumeFrom", request.HasResumeFrom ? request.ResumeFrom : null, "a checkpoint's folder") })
        {
            if (path is not null && (!Path.IsPathFullyQualified(path) || path.Any(char.IsControl) || path.Contains(NoCharacter, StringComparison.Ordinal)))
            {
                throw new RpcException(new Status(StatusCode.InvalidArgument, $"{name} is '{path}'; the absolute path of {what} is needed."));
            }
        }

        if (request.HasJoinTokenSha256 && WhyNotJoinToken(request) is { } problem)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, problem));
        }

        if (options.Roots.WhyNot(outcome.Job, request.HasResumeFrom ? request.ResumeFrom : null, request.HasOut ? Path.GetFullPath(request.Out) : null).ToList() is { Count: > 0 } outside)
        {
            throw new RpcException(new Status(StatusCode.PermissionDenied, string.Join('\n', outside)));
        }

        var queued = coordinator.State.Runs.Count(run => run.Phase is not RunPhase.Ended);
        if (queued >= ClusterState.MaxQueuedRuns)
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted, $"{queued} runs are queued, which is the limit. Wait until some have ended, or stop some."));
        }

        if (request.HasRunId && !RunIds.IsGood(request.RunId))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"'{request.RunId}' is no run id; letters, digits, dots and hyphens are, {RunIds.MostCharacters} at most."));
        }

        var id = request.HasRunId ? new RunId(request.RunId) : RunIds.New(outcome.Job.Name, time.GetUtcNow());
        var folder = request.HasOut ? Path.GetFullPath(request.Out) : Path.Combine(options.RunsFolder, id.Value);
        var isUsed = RunFolder.IsUsed(folder) && !(request.HasRunId && RunFolder.IsEmpty(folder));
        if (request.HasRunId && coordinator.State.Find(id) is { } known)
        {
            // It was sent before, and the answer was lost.
            return new SubmitReply { RunId = id.Value, RunDir = known.Order.RunDir };
        }

        if (request.HasRunId && coordinator.FindOpen(id) is { } underWay)
        {
            // It was sent before, and the answer is still to come.
            return await QueueAsync(underWay).ConfigureAwait(false);
        }

        if (isUsed)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, RunFolderRule.UsedSentence(folder)));
        }

        var order = new RunOrder
        {
            Id = id, Job = outcome.Job, RunDir = folder, JobFile = Path.Combine(folder, RunFolder.JobFile),
            StopAfter = request.HasStopAfter ? request.StopAfter : null, ResumeFrom = request.HasResumeFrom ? request.ResumeFrom : null,
            JoinTokenSha256 = request.HasJoinTokenSha256 ? request.JoinTokenSha256 : null,
            ResumeFingerprint = request.HasResumeFrom ? FingerprintOf(request.ResumeFrom) : null,
        };
        return await QueueAsync(order).ConfigureAwait(false);
    }

    private async Task<SubmitReply> QueueAsync(RunOrder order)
    {
        try
        {
            await coordinator.SubmitAsync(order).ConfigureAwait(false);
            return new SubmitReply { RunId = order.Id.Value, RunDir = order.RunDir };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"The run folder {order.RunDir} cannot be written on the coordinator: {e.Message} Choose another with --out."));
        }
        catch (ActorStoppedException)
        {
            throw Ending();
        }
    }

    /// <summary>The state; the events so far; the state again, which tells where the past ends; then news until the run has ended.</summary>
    public override async Task Watch(WatchRequest request, IServerStreamWriter<Protocol.V1.RunEvent> responseStream, ServerCallContext context)
    {
        var run = Find(request.RunId);
        var feed = coordinator.FeedOf(run.Id) ?? throw NotFound(request.RunId);
        var (lines, news) = feed.Watch(context.CancellationToken, isPaced: true);
        await responseStream.WriteAsync(new Protocol.V1.RunEvent { Status = run.ToWire(coordinator.State) }).ConfigureAwait(false);
        foreach (var line in PastEvents.Read(run.Order.RunDir, lines))
        {
            await responseStream.WriteAsync(new Protocol.V1.RunEvent { Json = line, Status = Find(request.RunId).ToWire(coordinator.State) }).ConfigureAwait(false);
        }

        await responseStream.WriteAsync(new Protocol.V1.RunEvent { Status = Find(request.RunId).ToWire(coordinator.State) }).ConfigureAwait(false);
        await foreach (var item in news.ConfigureAwait(false))
        {
            await responseStream.WriteAsync(new Protocol.V1.RunEvent { Json = item.Line ?? "", Status = item.State.ToWire() }).ConfigureAwait(false);
        }

        await responseStream.WriteAsync(new Protocol.V1.RunEvent { Status = Find(request.RunId).ToWire(coordinator.State) }).ConfigureAwait(false);
    }

    public override Task<StatusReply> Status(StatusRequest request, ServerCallContext context)
    {
        var reply = new StatusReply { Owner = options.Address, Term = options.Tenure?.Found.Ownership.Term ?? 0 };
        reply.Runs.AddRange(request.HasRunId ? [Find(request.RunId).ToWire(coordinator.State)] : coordinator.State.ToWire());
        return Task.FromResult(reply);
    }

    public override async Task<StopReply> Stop(StopRequest request, ServerCallContext context)
    {
        var run = Find(request.RunId);
        await AskAsync(new ClusterEvent.StopRequested(run.Id, "Stopped on request.")).ConfigureAwait(false);
        return new StopReply { Status = run.ToWire() };
    }

    public override async Task<ScaleReply> Scale(ScaleRequest request, ServerCallContext context)
    {
        var run = Find(request.RunId);
        if (run.Phase is RunPhase.Ended)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"Run {run.Id} has ended: {run.Reason}"));
        }

        if (Scaling.WhyNot(run, request.Desired) is { } reason)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, reason));
        }

        await AskAsync(new ClusterEvent.ScaleRequested(run.Id, request.Desired)).ConfigureAwait(false);
        return new ScaleReply { Status = run.ToWire() };
    }

    public override async Task<DrainReply> Drain(DrainRequest request, ServerCallContext context)
    {
        var (worker, cluster) = (new WorkerId(request.WorkerId), coordinator.State);
        if (cluster.Workers.GetValueOrDefault(worker) is not { } attached)
        {
            throw new RpcException(new Status(StatusCode.NotFound, $"No worker '{worker}' is attached. ./orchestrator workers lists those that are."));
        }

        if (request.Undo && !attached.IsDrained)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"Worker {worker} is not drained."));
        }

        await AskAsync(request.Undo ? new ClusterEvent.TakeBackRequested(worker) : new ClusterEvent.DrainRequested(worker)).ConfigureAwait(false);
        return new DrainReply { RunId = cluster.RunOf(worker)?.Id.Value ?? "" };
    }

    public override Task<ListWorkersReply> ListWorkers(ListWorkersRequest request, ServerCallContext context)
    {
        var cluster = coordinator.State;
        var reply = new ListWorkersReply();
        reply.Workers.AddRange(cluster.Workers.Values.Select(candidate => candidate.ToWire(cluster)));
        return Task.FromResult(reply);
    }

    /// <summary>A token lets workers into one run; sent again with the same run it is the same.</summary>
    private string? WhyNotJoinToken(SubmitRequest request)
    {
        var hash = request.JoinTokenSha256;
        return hash.Length != 64 || !hash.All(char.IsAsciiHexDigitLower)
            ? $"joinTokenSha256 has {hash.Length} characters; the SHA-256 of a token is needed, as 64 hexadecimal digits in lower case."
            : coordinator.State.GrantOf(hash) is { } other && !(request.HasRunId && other.Value == request.RunId)
                ? $"joinTokenSha256 is that of run {other}, too; a token is good for one run. Make another."
            : null;
    }

    private async Task AskAsync(ClusterEvent @event)
    {
        try
        {
            await coordinator.AskAsync(@event).ConfigureAwait(false);
        }
        catch (ActorStoppedException)
        {
            throw Ending();
        }
    }

    private RunState Find(string id) => coordinator.State.Find(new RunId(id)) ?? throw NotFound(id);

    /// <summary>Null when the checkpoint lies where only the workers see it: they say what is wrong with it.</summary>
    private static ImmutableSortedDictionary<string, string>? FingerprintOf(string checkpoint)
    {
        try
        {
            return ResumePoint.Find(checkpoint).Manifest.Fingerprint;
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static RpcException NotFound(string id) =>
        new(new Status(StatusCode.NotFound, $"This coordinator knows no run '{id}'. ./orchestrator status lists the runs that it knows."));

    private static RpcException Ending() => new(new Status(StatusCode.Unavailable, "The coordinator is ending."));
}
