using System.Diagnostics;
using Orchestrator.Core.Messages;
using Orchestrator.Storage;
using Orchestrator.Storage.Checkpoints;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Training;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Checkpoints;

/// <summary>Hashes the state at a checkpoint's step, and writes the checkpoint when this member is the one that does; both behind the training.</summary>
/// <remarks>One snapshot at a time: a second waits until the first is written, so that at most one copy of the state is held. Called from the training thread.</remarks>
internal sealed class CheckpointPublisher(PreparedRun run, Action<WorkerMessage> report) : IDisposable
{
    private readonly CheckpointStore _store = new(run.Job.Checkpoint.Dir ?? Path.Combine(run.Order.RunDir, CheckpointFiles.FolderInRun));
    private Task _pending = Task.CompletedTask;

    /// <summary>Step and weights' hash of the newest snapshot that was hashed, and whether this member was the one to write it.</summary>
    public (long Step, string WeightsSha256, bool IsWritten) Last { get; private set; } = (-1, "", false);

    /// <summary>Takes a snapshot now and goes on in the background.</summary>
    /// <param name="generation">Named in the reports.</param>
    /// <param name="isWriter">Whether this member writes the checkpoint; the others only hash.</param>
    public void Publish(Generation generation, bool isWriter)
    {
        var clock = Stopwatch.StartNew();
        Wait();
        var snapshot = run.Replica.Snapshot();
        var stall = clock.Elapsed.TotalSeconds;
        _pending = Task.Run(() =>
        {
            using (snapshot)
            {
                var weights = StateHash.OfWeights(snapshot);
                Last = (snapshot.Step, weights, isWriter);
                report(new WorkerMessage.StateDigest(generation, snapshot.Step, StateHash.Compute(snapshot)));
                if (isWriter)
                {
                    report(Write(snapshot, generation, weights, stall, clock));
                }
            }
        });
    }

    /// <summary>Until the last snapshot is hashed and written.</summary>
    public void Wait() => _pending.GetAwaiter().GetResult();

    /// <summary>The same, whatever came of it.</summary>
    public void Settle() => Task.WhenAny(_pending).GetAwaiter().GetResult();

    public void Dispose() => Settle();

    private WorkerMessage.CheckpointSaved Write(StateSnapshot snapshot, Generation generation, string weights, double stall, Stopwatch clock)
    {
        try
        {
            var result = _store.Save(
                new CheckpointContent(
                    Manifest(snapshot.Step, weights), CheckpointTensors.Sources(snapshot.Weights), CheckpointTensors.Sources(snapshot.Optimizer), run.Order.JobJson),
                run.Job.Checkpoint.Keep, run.Order.ResumeFrom);
            return new WorkerMessage.CheckpointSaved(
                generation, snapshot.Step, result.Path, weights, result.Bytes, clock.Elapsed.TotalSeconds, stall, null);
        }
        catch (StorageException error)
        {
            return new WorkerMessage.CheckpointSaved(generation, snapshot.Step, "", "", 0, clock.Elapsed.TotalSeconds, stall, error.Message);
        }
    }

    private CheckpointManifest Manifest(long step, string weights)
    {
        var position = Math.Min(run.Samples.EndPosition, step * run.Job.Training.GlobalBatch);
        return new CheckpointManifest
        {
            RunId = run.Order.Run.Value,
            JobName = run.Job.Name,
            Step = step,
            Epoch = position / run.Data.Training.Count,
            EpochPosition = position % run.Data.Training.Count,
            WeightsSha256 = weights,
            Fingerprint = run.Numerics.Fingerprint,
            Seed = run.Job.Seed,
            GlobalBatch = run.Job.Training.GlobalBatch,
            LogicalRanks = run.Job.Training.LogicalRanks,
            DataSet = new DataSetPin(run.Data.Training.Count, run.Data.Sha256),
            CreatedAt = DateTimeOffset.UtcNow,
            Lineage = run.Lineage,
        };
    }
}
