using System.Collections.Immutable;
using System.Diagnostics;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Training.Data;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Core.Membership;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Membership;
using Orchestrator.Worker.Host.Training;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Parity;

/// <summary>A run's only worker, in this process and without a coordinator: everything between two steps is the worker program's own code.</summary>
/// <remarks>Used from one thread, the one that made it.</remarks>
internal sealed class OneWorker : IDisposable
{
    private static readonly WorkerId Self = WorkerId.FromNumber(1);
    private readonly PreparedRun _run;
    private readonly CheckpointPublisher _checkpoints;
    private long _generation;

    /// <param name="job">Resolved.</param>
    /// <param name="runDir">Gets the checkpoints.</param>
    /// <param name="isa">Instruction-set level to pin.</param>
    public OneWorker(JobSpec job, string runDir, string isa)
    {
        _run = PreparedRun.Load(new CoordinatorMessage.Prepare(new RunId("parity"), new Generation(1), JobSpecJson.Write(job), isa, runDir, null), job, "cpu");
        _checkpoints = new CheckpointPublisher(_run, Report);
    }

    public Replica Replica => _run.Replica;

    /// <summary>Folder of the newest checkpoint.</summary>
    public string? Checkpoint { get; private set; }

    /// <summary>Called after every step, when the next one could begin.</summary>
    public Action<WorkerMessage.Progress>? StepDone { get; set; }

    public List<double> Losses { get; } = [];

    /// <summary>All samples of a step, when the job has one logical rank.</summary>
    public Batch ReadBatch(long step) => _run.ReadShare(step, 0) ?? throw new UnreachableException();

    /// <summary>Trains on, in a generation of its own, and leaves a checkpoint.</summary>
    public void Train(int steps)
    {
        var generation = new Generation(++_generation);
        var member = new Member(Self, "", 0, _run.Job.Training.LogicalRanks);
        var (first, last) = (Replica.AppliedSteps, Replica.AppliedSteps + steps);
        var buckets = _run.Buckets.Select(bucket => new ElementRange(bucket.Offset, bucket.Count)).ToImmutableArray();
        var plan = AllReducePlan.Create(generation, Self, [member], _run.Job.Training.LogicalRanks, first, buckets);
        using var exchange = new GradientExchange(plan, new NoLinks());
        using var reduced = new ReducedBuffers(_run.Replica.Layout, _run.Replica.Device);
        StepWork? work = null;
        using var step = work = new StepWork(
            _run, reduced, _checkpoints, Report, (_, bucket) => exchange.BucketReady(bucket, work!.Addresses), () => 0, CancellationToken.None);
        for (var next = first + 1; next <= last; next++)
        {
            reduced.KeepFrom(next - 1);
            exchange.Begin(next, generation, reduced.For(next).Memory.Address);
            for (var rank = 0; rank < _run.Job.Training.LogicalRanks; rank++)
            {
                step.Compute(new MemberWork.Compute(next, rank, IsStreamed: rank == _run.Job.Training.LogicalRanks - 1));
            }

            exchange.Wait(CancellationToken.None);
            step.Apply(new MemberWork.Apply(next, generation, IsLead: true, next == last, _run.Job.Training.Steps ?? last));
        }

        step.Finish(new MemberWork.Finish(last, generation, IsLead: true));
    }

    public void Dispose()
    {
        _checkpoints.Dispose();
        _run.Dispose();
    }

    private void Report(WorkerMessage message)
    {
        switch (message)
        {
            case WorkerMessage.Progress progress:
                Losses.Add(progress.Loss);
                StepDone?.Invoke(progress);
                break;
            case WorkerMessage.CheckpointSaved { Error: { } error }:
                throw new IOException(error);
            case WorkerMessage.CheckpointSaved saved:
                Checkpoint = saved.Path;
                break;
        }
    }

    private sealed class NoLinks : ISegmentLinks
    {
        public void Send(int member, SegmentHeader header, nint payload, PackedPayload? packed = null) => throw new UnreachableException("A lone worker has nobody to send to.");

        public void Tell(int member, LedgerEntry entry) => throw new UnreachableException("A lone worker has nobody to tell.");

        public Task CompleteAsync() => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
