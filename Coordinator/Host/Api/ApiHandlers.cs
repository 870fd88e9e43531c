using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Coordinator.Host.Commands;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>Answers the JSON API out of <see cref="RunsService"/>, so that both faces of the coordinator say the same, in the shapes of `--format json`.</summary>
internal sealed class ApiHandlers(RunsService runs, CoordinatorActor coordinator, CoordinatorOptions options, TimeProvider time)
{
    /// <summary>Steps of one answer when none are named, and at most.</summary>
    public const int DefaultSteps = 100;

    public const int MaxSteps = 10_000;

    // The service asks a call's context in Watch only, which is not called here.
    private const ServerCallContext NoCall = null!;

    private static readonly Lazy<byte[]> DescriptionBytes = new(() =>
    {
        using var resource = typeof(ApiHandlers).Assembly.GetManifestResourceStream("openapi.json")!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    });

    private readonly EventStreams _streams = new(time);

    public static Task DescribeAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.Body.WriteAsync(DescriptionBytes.Value, context.RequestAborted).AsTask();
    }

    public async Task ListRunsAsync(HttpContext context) =>
        await AnswerAsync(context, StatusJson.Of((await runs.Status(new StatusRequest(), NoCall).ConfigureAwait(false)).Runs)).ConfigureAwait(false);

    public async Task ShowRunAsync(HttpContext context) =>
        await AnswerAsync(context, StatusJson.Of((await runs.Status(new StatusRequest { RunId = IdOf(context) }, NoCall).ConfigureAwait(false)).Runs[0])).ConfigureAwait(false);

    public async Task ListWorkersAsync(HttpContext context) =>
        await AnswerAsync(context, StatusJson.Of((await runs.ListWorkers(new ListWorkersRequest(), NoCall).ConfigureAwait(false)).Workers)).ConfigureAwait(false);

    public Task StreamEventsAsync(HttpContext context)
    {
        var run = Find(IdOf(context));
        return _streams.WriteAsync(context, run.Order.RunDir, coordinator.FeedOf(run.Id) ?? RunFeed.Over(), () => StatusJson.Of(Find(run.Id.Value).ToWire(coordinator.State)));
    }

    public Task ListStepsAsync(HttpContext context)
    {
        var typed = context.Request.Query["last"].ToString();
        var count = typed.Length == 0 ? DefaultSteps
            : int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= MaxSteps ? number
            : throw new ApiException(StatusCodes.Status400BadRequest, $"last is '{typed}'; a number from 1 to {MaxSteps} is needed.");
        var lines = LastLines.Read(Path.Combine(Find(IdOf(context)).Order.RunDir, RunFolder.StepsFile), count);
        return AnswerAsync(context, $"{{\"steps\":[{string.Join(',', lines)}]}}");
    }

    public async Task SubmitAsync(HttpContext context)
    {
        var body = await ApiBody.ReadAsync<SubmitBody>(context.Request, context.RequestAborted).ConfigureAwait(false);
        var request = new SubmitRequest { JobJson = body.Job.GetRawText() };
        if (body.StopAfter is { } stopAfter)
        {
            request.StopAfter = stopAfter;
        }

        if (body.ResumeFrom is { } resumeFrom)
        {
            request.ResumeFrom = resumeFrom;
        }

        if (body.Out is { } folder)
        {
            var (path, problem) = RunsPath.Resolve(options.RunsFolder, folder);
            request.Out = path ?? throw new ApiException(StatusCodes.Status400BadRequest, problem!);
        }

        if (body.JoinTokenSha256 is { } hash)
        {
            request.JoinTokenSha256 = hash;
        }

        var reply = await runs.Submit(request, NoCall).ConfigureAwait(false);
        context.Response.Headers.Location = $"/api/v1/runs/{reply.RunId}";
        await AnswerAsync(context, JsonSerializer.Serialize(new { reply.RunId, reply.RunDir }, ApiJson.Options), StatusCodes.Status201Created).ConfigureAwait(false);
    }

    public async Task StopAsync(HttpContext context) =>
        await AnswerAsync(context, StatusJson.Of((await runs.Stop(new StopRequest { RunId = IdOf(context) }, NoCall).ConfigureAwait(false)).Status)).ConfigureAwait(false);

    public async Task ScaleAsync(HttpContext context)
    {
        var body = await ApiBody.ReadAsync<ScaleBody>(context.Request, context.RequestAborted).ConfigureAwait(false);
        if (body.Desired < 1)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, $"desired is {body.Desired}; a number of workers from 1 on is needed.");
        }

        var reply = await runs.Scale(new ScaleRequest { RunId = IdOf(context), Desired = body.Desired }, NoCall).ConfigureAwait(false);
        await AnswerAsync(context, StatusJson.Of(reply.Status)).ConfigureAwait(false);
    }

    public Task DrainAsync(HttpContext context) => DrainAsync(context, isUndone: false);

    public Task TakeBackAsync(HttpContext context) => DrainAsync(context, isUndone: true);

    private async Task DrainAsync(HttpContext context, bool isUndone)
    {
        var worker = IdOf(context);
        var reply = await runs.Drain(new DrainRequest { WorkerId = worker, Undo = isUndone }, NoCall).ConfigureAwait(false);
        await AnswerAsync(context, JsonSerializer.Serialize(new { Worker = worker, RunId = reply.RunId.Length == 0 ? null : reply.RunId }, ApiJson.Options)).ConfigureAwait(false);
    }

    private static string IdOf(HttpContext context) => (string)context.GetRouteValue("id")!;

    private Core.Runs.RunState Find(string id) => coordinator.State.Find(new RunId(id))
        ?? throw new ApiException(StatusCodes.Status404NotFound, $"This coordinator knows no run '{id}'. GET /api/v1/runs lists the runs that it knows.");

    private static Task AnswerAsync(HttpContext context, string json, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }
}
