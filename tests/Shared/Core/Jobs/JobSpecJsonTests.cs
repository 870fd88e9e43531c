using System.Collections.Immutable;
using System.Text.Json;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Core.Tests.Jobs;

public sealed class JobSpecJsonTests
{
    private static readonly JobSpec Job = new() { Name = "j", ProjectRoot = "/p", Training = new TrainingSpec { Steps = 10 } };

    public static TheoryData<JobSpec> Jobs => new(
        Job with { Model = new GptSpec { Layers = 2, Dropout = 0.25 }, Data = new TextDataSpec(["a", "b/**"]) { ValidationShare = 0.5 } },
        Job with { Model = new CnnSpec { Channels = [3, 5], BatchNorm = true }, Data = new IdxDataSpec("/d") { Download = true, DrawDigits = 7 } },
        Job with { Model = new MlpSpec { Hidden = [] }, Data = new CsvDataSpec("/t.csv", "y") { Features = ["x"], Separator = '\t' } },
        Job with { Task = new TaskSpec("/a.dll", "T", ImmutableSortedDictionary<string, string>.Empty.Add("depth", "3")) },
        Job with { Training = new TrainingSpec { Epochs = 3, ClipNorm = 1.5, Optimizer = new OptimizerSpec { Kind = "sgd", Momentum = 0.9, LearningRate = 1e-17 } } });

    [Theory]
    [MemberData(nameof(Jobs))]
    public void Read_WhatWasWritten_WritesTheSameText(JobSpec job)
    {
        var json = JobSpecJson.Write(job);
        var back = JobSpecJson.Read(json);

        Assert.Equal(json, JobSpecJson.Write(back));
        Assert.Equal((job.Model?.GetType(), job.Data?.GetType(), job.Training.Steps), (back.Model?.GetType(), back.Data?.GetType(), back.Training.Steps));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"name":"j","projectRoot":"/","training":{},"model":{"kind":"rnn"}}""")]
    [InlineData("""{"projectRoot":"/","training":{}}""")]
    public void Read_NoJob_IsAJsonException(string json) => Assert.ThrowsAny<JsonException>(() => JobSpecJson.Read(json));
}
