using System.Collections.Immutable;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Coordinator.Host.Launch;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Core.Jobs;
using Orchestrator.Storage;
using Orchestrator.Storage.Checkpoints;

namespace Orchestrator.Coordinator.Tests.Launch;

public sealed class ResumePointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("resume-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <param name="step">Its number.</param>
    /// <param name="job">The job's text.</param>
    /// <param name="left">Samples by which its last step was short.</param>
    private ResumePoint Write(long step, string job = JobText.Gpt, long left = 0)
    {
        var spec = JobText.Read(job);
        var store = new CheckpointStore(Path.Combine(_folder, CheckpointFiles.FolderInRun));
        store.Save(new CheckpointContent(
            new CheckpointManifest
            {
                RunId = "run", JobName = "job", Step = step, Epoch = 0, EpochPosition = (step * spec.Training.GlobalBatch) - left, WeightsSha256 = "", Seed = spec.Seed, GlobalBatch = spec.Training.GlobalBatch,
                LogicalRanks = spec.Training.LogicalRanks, DataSet = new DataSetPin(1_000_000, "d"), CreatedAt = DateTimeOffset.UnixEpoch,
                Fingerprint = ImmutableSortedDictionary<string, string>.Empty,
            },
            [], [], JobSpecJson.Write(spec)), keep: 5);
        return ResumePoint.Find(_folder);
    }

    [Fact]
    public void Find_RunFolder_GivesItsNewestCheckpoint()
    {
        Write(60);

        Assert.Equal(Path.Combine(_folder, "checkpoints", "step-00000120"), Write(120).Path);
        Assert.Equal(60, ResumePoint.Find(Path.Combine(_folder, "checkpoints", "step-00000060")).Manifest.Step);
    }

    [Fact]
    public void Find_Nowhere_IsNotFound() =>
        Assert.Equal(StorageFailure.NotFound, Assert.Throws<StorageException>(() => ResumePoint.Find(Path.Combine(_folder, "nothing"))).Failure);

    [Fact]
    public void WhyNot_SameJobOnMoreWorkers_CanGoOn() => Assert.Empty(Write(60).WhyNot(JobText.Read(JobText.Gpt, JobOverride.Workers(7)), null));

    [Theory]
    [InlineData("seed=7", "was trained with seed 1234 and the job has 7. Set it to 1234: --set seed=1234")]
    [InlineData("training.globalBatch=64", "was trained with training.globalBatch 32 and the job has 64. Set it to 32: --set training.globalBatch=32")]
    [InlineData("training.logicalRanks=4", "was trained with training.logicalRanks 8 and the job has 4. Set it to 8: --set training.logicalRanks=8")]
    [InlineData("training.steps=60", "holds 60 steps and the run would end at step 60: nothing is left to train. Raise it, such as --set training.steps=120.")]
    public void WhyNot_WhatDecidesTheBitsDiffers_NamesBothAndTheCure(string set, string expected)
    {
        var point = Write(60);

        Assert.Equal($"{point.Path} {expected}", Assert.Single(point.WhyNot(JobText.Read(JobText.Gpt, JobOverride.FromSet(set)), null)));
    }

    /// <summary>Two epochs of a data set that no batch divides end on a short step; with a third epoch the steps behind it began at whole batches, and samples were left out.</summary>
    [Fact]
    public void WhyNot_TheLastStepWasShort_SaysWhatWouldBeLeftOut()
    {
        var point = Write(60, left: 12);

        Assert.Equal(
            $"{point.Path} is the end of a run by epochs, and its last step was short: it had 20 of 32 samples. Going on would leave out 12 samples of the next epoch. "
                + "Go on from an earlier checkpoint (`checkpoint list` shows which there are), or train anew with more epochs.",
            Assert.Single(point.WhyNot(JobText.Read(JobText.Gpt), null)));
    }

    [Fact]
    public void WhyNot_OtherModel_ShowsBoth()
    {
        var reason = Assert.Single(Write(60).WhyNot(JobText.Read(JobText.Gpt, JobOverride.FromSet("model.layers=5")), null));

        Assert.Contains("\"layers\":4", reason, StringComparison.Ordinal);
        Assert.Contains("\"layers\":5", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void WhyNot_StopAfterBehind_SaysSo() =>
        Assert.Contains("the run would end at step 50", Assert.Single(Write(60).WhyNot(JobText.Read(JobText.Gpt), 50)), StringComparison.Ordinal);
}
