using Orchestrator.Core.Jobs;
using Orchestrator.Parity.Tests.Support;

namespace Orchestrator.Parity.Tests;

/// <summary>From the same weights and batches, a worker's losses are PyTorch's: model, loss, gradients, clipping, schedule and update at once.</summary>
public sealed class LossParityTests(ITestOutputHelper output)
{
    private const int Steps = 50;
    private const double Tolerance = 1e-5;

    [Fact]
    public void Train_GptWithAdamW_FirstLossesAreThoseOfPyTorch() =>
        Compare(Jobs.Plain("char-gpt.yaml", "data={kind: text, paths: [Shared/**/*.cs], validationShare: 0}"));

    [Fact]
    public void Train_CnnWithSgdMomentum_FirstLossesAreThoseOfPyTorch()
    {
        using var digits = new HandOver();
        Compare(Jobs.Plain(
            "digits-cnn.yaml", "training.steps=60", "training.optimizer={kind: sgd, learningRate: 0.02, momentum: 0.9, weightDecay: 0.0005}",
            $"data={{kind: idx, dir: {digits.PathOf("digits")}, drawDigits: 1000}}"));
    }

    [Fact]
    public void Train_CnnWithBatchNormAndNesterov_FirstLossesAreThoseOfPyTorch()
    {
        using var digits = new HandOver();
        Compare(Jobs.Plain(
            "digits-cnn.yaml", "training.steps=60", "model.batchNorm=true", "training.clipNorm=1.0", "training.globalBatch=32",
            "training.optimizer={kind: sgd, learningRate: 0.01, momentum: 0.9, nesterov: true}",
            $"data={{kind: idx, dir: {digits.PathOf("digits")}, drawDigits: 1000}}"));
    }

    private void Compare(JobSpec job)
    {
        Assert.SkipUnless(PyTorch.WhyMissing is null, PyTorch.WhyMissing ?? "");
        using var handOver = new HandOver();
        handOver.WriteJob(job);
        using var worker = new OneWorker(job, handOver.Folder, PyTorch.Isa);
        handOver.WriteWeights(worker.Replica, "initial.safetensors");
        handOver.WriteBatches(worker, Steps);
        worker.Train(Steps);
        var theirs = PyTorch.Ask<double[]>("train.py", handOver.Folder);

        Assert.Equal(Steps, worker.Losses.Count);
        Assert.Equal(Steps, theirs.Length);
        var differences = worker.Losses.Zip(theirs, (a, b) => Math.Abs(a - b) / Math.Abs(b)).ToArray();
        var worst = Array.IndexOf(differences, differences.Max());
        var summary = $"{job.Name}: losses {theirs[0]:R} to {theirs[^1]:R} in {Steps} steps; largest relative difference {differences[worst]:E2}, at step {worst + 1}, mean {differences.Average():E2}.";
        output.WriteLine(summary);
        Assert.True(differences[worst] <= Tolerance, summary);
        Assert.True(theirs[^1] < 0.9 * theirs[0], $"The comparison says little when nothing is learnt. {summary}");
    }
}
