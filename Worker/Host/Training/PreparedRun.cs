using System.Collections.Immutable;
using System.Numerics;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Core.Sampling;
using Orchestrator.Storage.Checkpoints;
using Orchestrator.Training.Data;
using Orchestrator.Training.Replicas;
using Orchestrator.Training.Tasks;
using Orchestrator.Worker.Core.Ledger;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Host.Training;

/// <summary>All that a worker loads for a run: the task, its data, the replica and the order of the samples. Disposed when the run is dropped.</summary>
internal sealed class PreparedRun : IDisposable
{
    private PreparedRun(CoordinatorMessage.Prepare order, JobSpec job, TrainingTask task, DataParts data, Replica replica, NumericSetup numerics)
    {
        (Order, Job, Task, Data, Replica, Numerics) = (order, job, task, data, replica, numerics);
        Tree = new ReductionTree(job.Training.LogicalRanks);
        Samples = new SampleOrder(job.Seed, data.Training.Count, job.Training.GlobalBatch, job.Training.LogicalRanks, job.Training.Epochs);
        Format = job.AllReduce.Wire == "bf16" ? WireFormat.RoundedFrom(replica.Layout.ParameterOffset) : WireFormat.Fp32;
        Buckets = replica.Layout.Buckets((long)job.AllReduce.BucketMiB << 20, isHeadApart: Format != WireFormat.Fp32);
        // Few are made while ranks are merged as in binary counting; ranks that are gained one here and one there may each need their own, and one is being filled.
        Pool = new FlatBufferPool(replica.Layout, replica.Device, job.Training.LogicalRanks + 1, HostMemory.AllocatorFor(job.AllReduce.Transport, replica.Device));
    }

    public CoordinatorMessage.Prepare Order { get; }

    public JobSpec Job { get; }

    public TrainingTask Task { get; }

    public DataParts Data { get; }

    public Replica Replica { get; }

    public NumericSetup Numerics { get; }

    public ReductionTree Tree { get; }

    public SampleOrder Samples { get; }

    public FlatBufferPool Pool { get; }

    /// <summary>Which elements are rounded to bf16: gradients, when the job says so; never the loss and the statistics.</summary>
    public WireFormat Format { get; }

    /// <summary>What was fed, until it is reported.</summary>
    public LedgerKeeper Ledger { get; } = new();

    /// <summary>The parts of the flat buffer that travel together, in the order in which the backward pass finishes them.</summary>
    public ImmutableArray<FlatBucket> Buckets { get; }

    /// <summary>Where the state came from: the checkpoint that was resumed, if any.</summary>
    public CheckpointLineage Lineage { get; private set; } = new(0, null);

    /// <summary>Loads everything, from the order's checkpoint when it names one.</summary>
    /// <exception cref="TaskException">The job or the user's model is at fault.</exception>
    /// <exception cref="DataException">A data file is at fault.</exception>
    /// <exception cref="IOException">The checkpoint or the disk is at fault.</exception>
    public static PreparedRun Load(CoordinatorMessage.Prepare order, JobSpec job, string device)
    {
        var numerics = NumericSetup.Pin(order.Isa, job.Workers.Threads, device);
        var task = TrainingTaskFactory.Create(job);
        var context = new TaskContext(job, () => DataSources.Open(job));
        var data = TaskGuard.Run(task, "OpenData", () => task.OpenData(context));
        var replica = new Replica(job, task, context, data.Shape, numerics.Device);
        var run = new PreparedRun(order, job, task, data, replica, numerics);
        if (order.ResumeFrom is { } folder)
        {
            run.LoadCheckpoint(folder);
        }

        return run;
    }

    /// <summary>What must be the same on all members, with the canary: the gradient of logical rank 0 of the next step.</summary>
    public WorkerMessage.Prepared Describe()
    {
        // Before the canary: its pass may leave other values in the model's buffers.
        var state = StateSha256();
        return new WorkerMessage.Prepared(
            Order.Generation, Data.Training.Count, Data.Sha256, Numerics.Fingerprint, CanarySha256(), state, Replica.AppliedSteps,
            Replica.Layout.TrainableCount, Task.TargetsPerSample(Data.Shape), BufferBytes);
    }

    /// <summary>Reads one logical rank's share of a step to train on it, and keeps what was read for the ledger; null when it is empty.</summary>
    /// <param name="step">Steps applied before this one.</param>
    /// <param name="logicalRank">In [0, V).</param>
    public Batch? ReadShare(long step, int logicalRank)
    {
        var batch = ReadShare(step, logicalRank, out var digest);
        Ledger.Add(new LedgerEntry(step + 1, logicalRank, batch?.Count ?? 0, digest));
        return batch;
    }

    private Batch? ReadShare(long step, int logicalRank, out SampleDigest digest)
    {
        digest = SampleDigest.Empty;
        var share = Samples.Share(step, logicalRank);
        if (share.Count == 0)
        {
            return null;
        }

        // A share that crosses the end of an epoch is augmented by the epoch that it begins in; its samples come from both.
        Span<long> ids = stackalloc long[Math.Min(share.Count, 256)];
        ids = share.Count <= 256 ? ids : new long[share.Count];
        for (var i = 0; i < share.Count; i++)
        {
            ids[i] = Samples.SampleAt(share.First + i);
        }

        var batch = Data.Training.Read(ids, new SampleStreams(Job.Seed, Samples.EpochOf(share.First)));
        try
        {
            digest = BatchHashes.Digest(ids, batch);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Pool.Dispose();
        Replica.Dispose();
        Data.Dispose();
        Task.Dispose();
    }

    /// <summary>Flat buffers at their most: parameters, the clipped copy, two optimizer states, and the pool's.</summary>
    private long BufferBytes =>
        sizeof(float) * ((4 * Replica.Layout.ParameterElements) + ((BitOperations.Log2((uint)Job.Training.LogicalRanks) + 3) * Replica.Layout.ElementCount));

    private string StateSha256()
    {
        using var view = Replica.View();
        return StateHash.Compute(view);
    }

    private string CanarySha256()
    {
        var step = Samples.StepsOfEpochs is { } steps ? Math.Min(Replica.AppliedSteps, steps - 1) : Replica.AppliedSteps;
        var buffer = Pool.Rent();
        try
        {
            // Trained on by nobody: it is not for the ledger.
            using var batch = ReadShare(step, 0, out _);
            Replica.Pass.Compute(batch, step, 0, Samples.BatchSize(step), buffer);
            return StateHash.Compute(buffer);
        }
        finally
        {
            Pool.Return(buffer);
        }
    }

    private void LoadCheckpoint(string folder)
    {
        using var checkpoint = CheckpointStore.Load(folder);
        var manifest = checkpoint.Manifest;
        if ((manifest.DataSet.Samples, manifest.DataSet.Sha256) != (Data.Training.Count, Data.Sha256))
        {
            throw new DataException(
                $"Checkpoint {folder} was trained on data with SHA-256 {manifest.DataSet.Sha256[..12]}... ({manifest.DataSet.Samples} samples); the data is now " +
                $"{Data.Sha256[..12]}... ({Data.Training.Count} samples). Restore the files and data.validationShare, or start a new run without --resume.");
        }

        Lineage = new CheckpointLineage(manifest.Lineage.Number + 1, checkpoint.Reference);
        Replica.Load(name => CheckpointTensors.Read(checkpoint.Weights, name), name => CheckpointTensors.Read(checkpoint.Optimizer, name), manifest.Step);
    }
}
