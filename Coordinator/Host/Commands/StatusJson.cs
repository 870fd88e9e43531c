using System.Text.Encodings.Web;
using System.Text.Json;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Runs and workers as scripts read them: one line each.</summary>
internal static class StatusJson
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(RunStatus run) => JsonSerializer.Serialize(Shape(run), Options);

    public static string Of(IEnumerable<RunStatus> runs) => JsonSerializer.Serialize(new { Runs = runs.Select(Shape) }, Options);

    /// <summary>With who owns the runs.</summary>
    public static string Of(StatusReply reply) => JsonSerializer.Serialize(
        new
        {
            Runs = reply.Runs.Select(Shape),
            Coordinator = new { reply.Owner, reply.Term, PassedOnBy = reply.PassedOnBy.Length == 0 ? null : reply.PassedOnBy },
        },
        Options);

    public static string Of(WorkerStatus worker) => JsonSerializer.Serialize(Shape(worker), Options);

    public static string Of(IEnumerable<WorkerStatus> workers) => JsonSerializer.Serialize(new { Workers = workers.Select(Shape) }, Options);

    public static string StateOf(RunStatus run) => run.State.ToString().ToLowerInvariant();

    private static object Shape(RunStatus run) => new
    {
        run.RunId, run.Name, State = StateOf(run), run.Step, run.LastStep,
        Loss = run.HasLoss && double.IsFinite(run.Loss) ? run.Loss : (double?)null,
        SamplesPerSecond = run.HasSamplesPerSecond ? run.SamplesPerSecond : (double?)null,
        run.Workers, run.DesiredWorkers, run.Generation, run.Generations, run.LostLogicalRankSteps, run.RunDir,
        Checkpoint = run.HasCheckpoint ? run.Checkpoint : null,
        CheckpointTime = run.HasCheckpointUnixMillis ? DateTimeOffset.FromUnixTimeMilliseconds(run.CheckpointUnixMillis) : (DateTimeOffset?)null,
        run.Reason, run.Priority, run.MinWorkers,
        QueuePlace = run.QueuePlace > 0 ? run.QueuePlace : (int?)null,
        MissingWorkers = run.QueuePlace > 0 ? run.MissingWorkers : (int?)null,
        WaitsFor = run.WaitsFor.Length > 0 ? run.WaitsFor : null,
        WeightsSha256 = run.HasWeightsSha256 ? run.WeightsSha256 : null,
        HeldOutLoss = run.HasHeldOutLoss && double.IsFinite(run.HeldOutLoss) ? run.HeldOutLoss : (double?)null,
        HeldOutAccuracy = run.HasHeldOutAccuracy ? run.HeldOutAccuracy : (double?)null,
    };

    private static object Shape(WorkerStatus worker) => new
    {
        Worker = worker.WorkerId, worker.Pid, worker.Host, worker.Device, worker.CollectiveAddress, worker.MetricsAddress,
        RunId = worker.RunId.Length == 0 ? null : worker.RunId, LogicalRanks = worker.LogicalRanks.ToArray(), worker.Step, Labels = worker.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal),
        worker.IsDrained,
    };
}
