using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

public sealed class JobOverrideTests
{
    private const string WithEpochs = "model: {kind: mlp}\ndata: {kind: csv, path: p, target: t}\ntraining: {epochs: 3}";

    [Fact]
    public void Set_Value_ReplacesTheFiles() =>
        Assert.Equal(64, JobText.Read(JobText.Gpt, JobOverride.FromSet("training.globalBatch=64")).Training.GlobalBatch);

    [Fact]
    public void Set_Steps_ReplacesEpochs()
    {
        var training = JobText.Read(WithEpochs, JobOverride.FromSet("training.steps=20")).Training;

        Assert.Equal((20L, null), (training.Steps, training.Epochs));
    }

    [Fact]
    public void Set_Epochs_ReplacesSteps()
    {
        var training = JobText.Read(JobText.Gpt, JobOverride.FromSet("training.epochs=2")).Training;

        Assert.Equal((null, 2L), (training.Steps, training.Epochs));
    }

    [Fact]
    public void Set_AbsentSection_IsMade() =>
        Assert.Equal(7, JobText.Read(JobText.Smallest, JobOverride.FromSet("checkpoint.everySteps=7")).Checkpoint.EverySteps);

    [Fact]
    public void Set_FlowMapping_ReplacesTheSection()
    {
        var optimizer = JobText.Read(JobText.Gpt, JobOverride.FromSet("training.optimizer={kind: sgd, learningRate: 0.1}")).Training.Optimizer;

        Assert.Equal(new OptimizerSpec { Kind = "sgd", LearningRate = 0.1, Betas = optimizer.Betas }, optimizer);
    }

    [Fact]
    public void Set_Null_TakesAValueAway() => Assert.Null(JobText.Read(JobText.Gpt, JobOverride.FromSet("training.clipNorm=null")).Training.ClipNorm);

    [Fact]
    public void Set_Twice_TheLastCounts() => Assert.Equal(
        2, JobText.Read(JobText.Gpt, JobOverride.FromSet("seed=1"), JobOverride.FromSet("seed=2")).Seed);

    [Theory]
    [InlineData("training.stpes=20", "--set training.stpes=20: training.stpes is not a key; did you mean 'steps'?")]
    [InlineData("training.steps=x", "--set training.steps=x: training.steps is 'x'; a whole number from 1 to 1000000000 is needed.")]
    [InlineData("seed.a=1", "--set seed.a=1: seed is '1234' and has no key 'a'. Set it whole: --set seed=VALUE.")]
    [InlineData("data.paths.0=x", "--set data.paths.0=x: data.paths is a list of 2 and has no key '0'. Set it whole: --set data.paths=VALUE.")]
    public void Set_Mistake_NamesTheOption(string typed, string expected) =>
        Assert.Equal(expected, Assert.Single(JobText.Errors(JobText.Gpt, JobOverride.FromSet(typed))));

    [Fact]
    public void Set_BrokenYaml_NamesTheOption() =>
        Assert.StartsWith("--set seed=[1: This is not YAML: ", JobText.Errors(JobText.Gpt, JobOverride.FromSet("seed=[1"))[0]);

    [Theory]
    [InlineData("training.steps")]
    [InlineData("=3")]
    [InlineData("a..b=3")]
    public void FromSet_NoPathOrNoValue_SaysWhatToType(string typed) =>
        Assert.Equal(
            $"--set {typed}: a dotted path, an equals sign and a value are needed, such as --set training.steps=20.",
            Assert.Throws<FormatException>(() => JobOverride.FromSet(typed)).Message);

    [Fact]
    public void Workers_WithinLimits_SetsDesiredOnly()
    {
        var workers = JobText.Read(JobText.Gpt, JobOverride.Workers(5)).Workers;

        Assert.Equal((1, 5, 8), (workers.Min, workers.Desired, workers.Max));
    }

    [Fact]
    public void Workers_AboveMax_IsAnErrorThatSaysSo() =>
        Assert.Equal(
            "--workers 9: workers.desired is 9 and workers.max is 8. Ask for 8 workers or fewer, or raise it: --set workers.max=9.",
            Assert.Single(JobText.Errors(JobText.Gpt, JobOverride.Workers(9))));

    [Fact]
    public void Workers_NoMaxWritten_HasNoHiddenLimit() =>
        Assert.Equal((100, 100), (JobText.Read(JobText.Smallest, JobOverride.Workers(100)).Workers.Desired, JobText.Read(JobText.Smallest, JobOverride.Workers(100)).Workers.Max));
}
