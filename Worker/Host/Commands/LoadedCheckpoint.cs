using System.Text.Json.Nodes;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Sampling;
using Orchestrator.Storage.Checkpoints;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>A checkpoint's model and data, for verbs that use a trained model.</summary>
internal sealed class LoadedCheckpoint : IDisposable
{
    private LoadedCheckpoint(CheckpointManifest manifest, JobSpec job, TrainingTask task, DataParts data, nn.Module model, Device device) =>
        (Manifest, Job, Task, Data, Model, Device) = (manifest, job, task, data, model, device);

    public CheckpointManifest Manifest { get; }

    public JobSpec Job { get; }

    public TrainingTask Task { get; }

    public DataParts Data { get; }

    public nn.Module Model { get; }

    public Device Device { get; }

    /// <param name="path">A checkpoint's folder, or a run's (its newest checkpoint).</param>
    /// <param name="overrides">a.b=c, applied to the checkpoint's job.</param>
    public static LoadedCheckpoint Open(string path, IEnumerable<string> overrides)
    {
        using var checkpoint = CheckpointStore.Load(CheckpointPath.Resolve(path));
        var job = JobSpecJson.Read(Override(checkpoint.JobJson, overrides));
        var numerics = NumericSetup.Pin(NumericSetup.HighestIsa(), job.Workers.Threads, job.Workers.Device);
        var task = TrainingTaskFactory.Create(job);
        var context = new TaskContext(job, () => DataSources.Open(job));
        var data = TaskGuard.Run(task, "OpenData", () => task.OpenData(context));
        random.manual_seed(StreamSeed.InitialWeights(job.Seed));
        var model = TaskGuard.Run(task, "CreateModel", () => task.CreateModel(context, data.Shape));
        using (no_grad())
        {
            foreach (var (name, target) in model.state_dict())
            {
                using var source = CheckpointTensors.Read(checkpoint.Weights, name)
                    ?? throw new TaskException($"Checkpoint {checkpoint.Path} has no tensor {name}, which the model needs: its job file and its weights do not belong together.");
                target.copy_(source);
            }
        }

        model.to(numerics.Device);
        model.eval();
        return new LoadedCheckpoint(checkpoint.Manifest, job, task, data, model, numerics.Device);
    }

    public void Dispose()
    {
        Model.Dispose();
        Data.Dispose();
        Task.Dispose();
    }

    private static string Override(string jobJson, IEnumerable<string> overrides)
    {
        var root = JsonNode.Parse(jobJson)!;
        foreach (var text in overrides)
        {
            var (path, value) = text.Split('=', 2) is [var left, var right] ? (left.Split('.'), right) : throw new DataException($"--set {text}: KEY=VALUE was expected, such as data.validationShare=0.2.");
            var parent = path[..^1].Aggregate((JsonNode?)root, (node, key) => node?[key])
                ?? throw new DataException($"--set {text}: the checkpoint's job has no section {string.Join('.', path[..^1])}.");
            parent[path[^1]] = ParseValue(value);
        }

        return root.ToJsonString();
    }

    private static JsonNode? ParseValue(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (System.Text.Json.JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
