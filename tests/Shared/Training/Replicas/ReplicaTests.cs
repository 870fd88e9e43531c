using System.Collections.Immutable;
using System.Security.Cryptography;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Reduction;
using Orchestrator.Core.Sampling;
using Orchestrator.Training.Data;
using Orchestrator.Training.Replicas;
using Orchestrator.Training.Tasks;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Replicas;

public sealed class ReplicaTests
{
    [Theory]
    [InlineData("sgd", 23, 7)]
    [InlineData("adam", 23, 7)]
    [InlineData("adamw", 32, 8)]
    [InlineData("rmsprop", 9, 9)]
    public void Train_AnyNumberOfWorkers_GivesTheSameBits(string optimizer, int batch, int logicalRanks)
    {
        set_num_threads(1);
        var hashes = new[] { 1, 2, 3, 4 }.Select(workers => Train(TinyTask.Job(optimizer, batch, logicalRanks), workers, steps: 6).Hash).Distinct();
        Assert.Single(hashes);
    }

    [Fact]
    public void Train_ShortLastStepWithFewerSamplesThanRanks_GivesTheSameBits()
    {
        var job = TinyTask.Job("adamw", batch: 32, logicalRanks: 8);
        job = job with { Training = job.Training with { Steps = null, Epochs = 1 } };
        Assert.Equal(Train(job, 1, steps: 4).Hash, Train(job, 3, steps: 4).Hash);
    }

    [Fact]
    public void Train_LossFalls()
    {
        var losses = Train(TinyTask.Job("adamw", 32, 8), 1, steps: 60).Losses;
        Assert.True(losses[^1] < 0.6 * losses[0], $"from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void Load_OfASnapshot_ContinuesWithTheSameBits()
    {
        var job = TinyTask.Job("adamw");
        using var straight = new Cluster(job, 1);
        straight.Train(3);
        using var snapshot = straight.Replica.Snapshot();
        straight.Train(3);
        using var resumed = new Cluster(job, 2);
        resumed.Replica.Load(name => Copy(snapshot.Weights, name), name => Copy(snapshot.Optimizer, name), 3);
        resumed.Train(3);
        Assert.Equal(straight.Hash(), resumed.Hash());
    }

    [Fact]
    public void Compute_ModelChangesABufferWithoutARule_IsAnErrorThatNamesIt()
    {
        using var cluster = new Cluster(TinyTask.Job("sgd"), 1, new TinyTask(breaksBuffers: true));
        var error = Assert.Throws<TaskException>(() => cluster.Train(1));
        Assert.StartsWith("The forward pass changed buffer own, which has no rule.", error.Message);
    }

    [Fact]
    public void Train_ManySteps_LiveTensorsStayFlat()
    {
        using var cluster = new Cluster(TinyTask.Job("adamw"), 2);
        cluster.Train(3);

        // What other tests have left to the finalizers is gone before it is counted, and not in the midst of it.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        cluster.Train(50);
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static (string Hash, List<double> Losses) Train(JobSpec job, int workers, int steps)
    {
        using var cluster = new Cluster(job, workers);
        var losses = cluster.Train(steps);
        return (cluster.Hash(), losses);
    }

    private static Tensor? Copy(IReadOnlyList<NamedTensor> tensors, string name) =>
        tensors.FirstOrDefault(tensor => tensor.Name == name) is { } found ? found.Values.view(found.Shape).clone() : null;

    /// <summary>Several workers' work done one after another: each merges its own logical ranks, then the slice owners' plan merges the partials.</summary>
    private sealed class Cluster : IDisposable
    {
        private readonly TrainingTask _task;
        private readonly DataParts _data;
        private readonly JobSpec _job;
        private readonly int _workers;
        private readonly ReductionTree _tree;
        private readonly FlatBufferPool _pool;
        private readonly ImmutableArray<FlatBucket> _buckets;

        public Cluster(JobSpec job, int workers, TrainingTask? task = null)
        {
            (_job, _workers, _task) = (job, workers, task ?? new TinyTask());
            var context = new TaskContext(job, () => throw new InvalidOperationException());
            _data = _task.OpenData(context);
            Replica = new Replica(job, _task, context, _data.Shape, CPU);
            _tree = new ReductionTree(job.Training.LogicalRanks);
            _pool = new FlatBufferPool(Replica.Layout, CPU, 32);
            _buckets = Replica.Layout.Buckets(256);
            Assert.True(_buckets.Length > 1);
        }

        public Replica Replica { get; }

        public List<double> Train(int steps)
        {
            var order = new SampleOrder(_job.Seed, _data.Training.Count, _job.Training.GlobalBatch, _job.Training.LogicalRanks, _job.Training.Epochs);
            var losses = new List<double>();
            for (var i = 0; i < steps; i++)
            {
                losses.Add(Step(order));
            }

            return losses;
        }

        public string Hash()
        {
            using var snapshot = Replica.Snapshot();
            return Convert.ToHexString(SHA256.HashData([.. snapshot.Weights.Concat(snapshot.Optimizer).SelectMany(tensor => tensor.Values.bytes.ToArray())]));
        }

        public void Dispose()
        {
            _pool.Dispose();
            Replica.Dispose();
            _data.Dispose();
            _task.Dispose();
        }

        private double Step(SampleOrder order)
        {
            var step = Replica.AppliedSteps;
            var stacks = RankPlan.Even(_job.Training.LogicalRanks, _workers).Select(range => Compute(order, step, range)).ToList();
            var partials = stacks.SelectMany(stack => stack.Partials).ToList();
            using (no_grad())
            {
                foreach (var (left, right) in MergePlan.Create(_tree, [.. partials.Select(partial => partial.Node)]).Additions)
                {
                    partials[left].Buffer.Whole.add_(partials[right].Buffer.Whole);
                }
            }

            var loss = Replica.Apply(partials[0].Buffer, 100).Loss;
            stacks.ForEach(stack => stack.Clear());
            return loss;
        }

        private PartialSet Compute(SampleOrder order, long step, RankRange range)
        {
            var stack = new PartialSet(_tree, _pool);
            for (var rank = range.First; rank < range.End; rank++)
            {
                var share = order.Share(step, rank);
                using var batch = share.Count == 0
                    ? null
                    : _data.Training.Read(Enumerable.Range(0, share.Count).Select(i => order.SampleAt(share.First + i)).ToArray(), default);
                var buffer = _pool.Rent();
                stack.Add(rank, buffer);
                // Every other rank merges bucket by bucket during its backward pass, as the last rank of a worker does.
                if (rank % 2 == 0)
                {
                    Replica.Pass.Compute(batch, step, rank, order.BatchSize(step), buffer);
                    Merge(stack, 0, Replica.Layout.ElementCount);
                }
                else
                {
                    Replica.Pass.Compute(batch, step, rank, order.BatchSize(step), buffer, _buckets, i => Merge(stack, _buckets[i].Offset, _buckets[i].Count));
                }

                stack.Complete();
            }

            return stack;
        }

        private static void Merge(PartialSet stack, long offset, long count)
        {
            using var noGrad = no_grad();
            stack.Merge(offset, count);
        }
    }
}
