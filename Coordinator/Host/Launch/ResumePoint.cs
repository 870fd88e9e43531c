using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Storage;
using Orchestrator.Storage.Checkpoints;

namespace Orchestrator.Coordinator.Host.Launch;

/// <summary>The checkpoint that a run goes on from.</summary>
/// <param name="Path">Absolute folder.</param>
/// <param name="Manifest">What it says of itself.</param>
public sealed record ResumePoint(string Path, CheckpointManifest Manifest)
{
    /// <param name="typed">A checkpoint folder, or a run folder: then its newest one.</param>
    /// <exception cref="StorageException">There is none, or it cannot be read.</exception>
    public static ResumePoint Find(string typed)
    {
        var path = CheckpointPath.Resolve(typed);
        var json = System.IO.Path.Combine(path, CheckpointFiles.Manifest);
        return new ResumePoint(path, CheckpointManifestJson.Read(json, File.ReadAllBytes(json)));
    }

    /// <summary>What of the job differs from the checkpoint's and may not: the bits would be others.</summary>
    /// <param name="job">The job that is to go on.</param>
    /// <param name="stopAfter">The step it is to stop after; null: its last.</param>
    /// <returns>Sentences; empty when it can go on.</returns>
    public IEnumerable<string> WhyNot(JobSpec job, long? stopAfter)
    {
        var training = job.Training;
        if (Manifest.Seed != job.Seed)
        {
            yield return Differs("seed", Manifest.Seed, job.Seed);
        }

        if (Manifest.GlobalBatch != training.GlobalBatch)
        {
            yield return Differs("training.globalBatch", Manifest.GlobalBatch, training.GlobalBatch);
        }

        if (Manifest.LogicalRanks != training.LogicalRanks)
        {
            yield return Differs("training.logicalRanks", Manifest.LogicalRanks, training.LogicalRanks);
        }

        var origin = ReadJob();
        if (origin is not null && origin.Training.Optimizer.Kind != training.Optimizer.Kind)
        {
            yield return $"{Path} holds the state of the optimizer {origin.Training.Optimizer.Kind} and the job asks for {training.Optimizer.Kind}. "
                + $"Go on with its own: --set training.optimizer.kind={origin.Training.Optimizer.Kind}";
        }

        if (origin is not null && (ModelText(origin), ModelText(job)) is var (before, now) && before != now)
        {
            yield return $"{Path} holds the model {before} and the job asks for {now}. A checkpoint goes on with its own model only.";
        }

        if (ShortStep() is { } shortStep)
        {
            yield return shortStep;
        }

        if (Math.Min(stopAfter ?? long.MaxValue, training.Steps ?? long.MaxValue) is var last && Manifest.Step >= last)
        {
            yield return $"{Path} holds {Manifest.Step} steps and the run would end at step {last}: nothing is left to train. Raise it, such as --set training.steps={Manifest.Step + last}.";
        }
    }

    /// <summary>Steps count positions in whole batches: behind a step that the end of the last epoch cut short, the samples that it left out would never be used.</summary>
    private string? ShortStep()
    {
        var (ended, counted) = ((Manifest.Epoch * Manifest.DataSet.Samples) + Manifest.EpochPosition, Manifest.Step * Manifest.GlobalBatch);
        return ended >= counted ? null
            : $"{Path} is the end of a run by epochs, and its last step was short: it had {Manifest.GlobalBatch - (counted - ended)} of {Manifest.GlobalBatch} samples. "
                + $"Going on would leave out {counted - ended} samples of the next epoch. Go on from an earlier checkpoint (`checkpoint list` shows which there are), or train anew with more epochs.";
    }

    private string Differs(string key, long theirs, long ours) => $"{Path} was trained with {key} {theirs} and the job has {ours}. Set it to {theirs}: --set {key}={theirs}";

    /// <summary>The job file that lies in the checkpoint; null when it is damaged, which the workers will say in full.</summary>
    private JobSpec? ReadJob()
    {
        try
        {
            return JobSpecJson.Read(File.ReadAllText(System.IO.Path.Combine(Path, Manifest.JobFile)));
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string ModelText(JobSpec job) =>
        job.Model is { } model ? JsonSerializer.Serialize(model, ModelOptions) : $"task {job.Task?.Type}";

    private static readonly JsonSerializerOptions ModelOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
}
