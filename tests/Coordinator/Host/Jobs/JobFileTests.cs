using System.Text;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

public sealed class JobFileTests : IDisposable
{
    private const string Slips = "{}[]:,'\"\n &*#|>-?!%@`~0a\t";

    private readonly string _folder = Directory.CreateTempSubdirectory("jobs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Parse_FullFile_FillsEveryField()
    {
        var job = JobText.Read(JobText.Gpt);

        Assert.Equal(("char-gpt", 1234L), (job.Name, job.Seed));
        Assert.Equal(new GptSpec { Layers = 4, Heads = 4, Width = 128, Context = 128, Dropout = 0.1 }, job.Model);
        var data = Assert.IsType<TextDataSpec>(job.Data);
        Assert.Equal(["README.md", "Shared/**/*.cs"], data.Paths);
        Assert.Equal((300L, null, 32, 8, 1.0), (job.Training.Steps, job.Training.Epochs, job.Training.GlobalBatch, job.Training.LogicalRanks, job.Training.ClipNorm));
        Assert.Equal(("adamw", 3e-3, 0.1), (job.Training.Optimizer.Kind, job.Training.Optimizer.LearningRate, job.Training.Optimizer.WeightDecay));
        Assert.Equal([0.9, 0.95], job.Training.Optimizer.Betas);
        Assert.Equal(new ScheduleSpec { Kind = "cosine", WarmupSteps = 20 }, job.Training.Schedule);
        Assert.Equal(new WorkersSpec { Min = 1, Desired = 2, Max = 8 }, job.Workers);
    }

    [Fact]
    public void Parse_SmallestFile_HasTheRecordsDefaults()
    {
        var job = JobText.Read(JobText.Smallest);

        Assert.Equal("job", job.Name);
        Assert.Equal("/project/table.csv", Assert.IsType<CsvDataSpec>(job.Data).Path);
        Assert.Equal((new TrainingSpec().GlobalBatch, new TrainingSpec().LogicalRanks), (job.Training.GlobalBatch, job.Training.LogicalRanks));
        Assert.Equal((new WorkersSpec(), new AllReduceSpec(), new CheckpointSpec(), new EvaluationSpec()), (job.Workers, job.AllReduce, job.Checkpoint, job.Evaluation));
    }

    [Fact]
    public void Parse_OwnTask_NeedsNoModelAndNoData()
    {
        var job = JobText.Read("""
            task: {assembly: bin/My.dll, type: My.Task, options: {depth: 3, name: x}}
            training: {epochs: 2}
            """);

        Assert.Equal(("/project/bin/My.dll", "My.Task"), (job.Task!.Assembly, job.Task.Type));
        Assert.Equal("3", job.Task.Options["depth"]);
        Assert.Equal((null, 2L), (job.Training.Steps, job.Training.Epochs));
    }

    [Theory]
    [InlineData(JobText.Gpt)]
    [InlineData(JobText.Smallest)]
    [InlineData("model: {kind: cnn, batchNorm: true}\ndata: {kind: idx, dir: d, drawDigits: 100}\ntraining: {epochs: 2, optimizer: {kind: sgd, momentum: 0.9, nesterov: true}}\ncheckpoint: {dir: c}")]
    [InlineData("task: {assembly: a.dll, type: T, options: {a: \"1\", b: \"\\u00fc\\u4e2d\"}}\ntraining: {steps: 3}\nname: \"\\u00e9\\t\"")]
    public void FromJson_ResolvedJob_IsTheSameJob(string text)
    {
        // The tab of the last case is refused as a name by both readers; what matters is that both say the same.
        var first = JobText.Parse(text);
        if (first.Job is null)
        {
            Assert.Contains(first.Errors, error => error.Sentence.Contains("printable", StringComparison.Ordinal));
            return;
        }

        var json = JobSpecJson.Write(first.Job);
        var second = JobFile.FromJson(json, "submitted job");

        Assert.Empty(second.Errors);
        Assert.Equal(json, JobSpecJson.Write(second.Job!));
    }

    [Fact]
    public void FromJson_WrongValue_IsRefusedLikeAFile()
    {
        var json = JobSpecJson.Write(JobText.Read(JobText.Gpt)).Replace("\"globalBatch\": 32", "\"globalBatch\": 4", StringComparison.Ordinal);

        var error = Assert.Single(JobFile.FromJson(json, "submitted job").Errors);

        Assert.StartsWith("submitted job: training.logicalRanks is 8 and training.globalBatch is 4", error.ToString());
    }

    [Fact]
    public void Read_FolderBelowGit_PathsStartAtTheProjectRoot()
    {
        Directory.CreateDirectory(Path.Combine(_folder, ".git"));
        var inner = Directory.CreateDirectory(Path.Combine(_folder, "examples", "jobs")).FullName;
        File.WriteAllText(Path.Combine(inner, "mine.yaml"), JobText.Smallest);

        var job = JobFile.Read(Path.Combine(inner, "mine.yaml"), []).Job!;

        Assert.Equal((_folder, Path.Combine(_folder, "table.csv"), "mine"), (job.ProjectRoot, ((CsvDataSpec)job.Data!).Path, job.Name));
    }

    [Fact]
    public void Read_TooLargeFile_IsRefusedUnread()
    {
        var path = Write(new byte[JobFile.MaxBytes + 1]);

        Assert.Equal($"{path}:1: The file has 1048577 bytes; a job file has at most 1048576. Is it the right file?", Assert.Single(JobFile.Read(path, []).Errors).ToString());
    }

    [Fact]
    public void Read_BadUtf8_NamesTheLineAndTheByte()
    {
        var path = Write([.. "name: x\nmodel: "u8, 0xE4, .. "\n"u8]);

        Assert.Equal($"{path}:2: The byte 0xE4 is not UTF-8. Save the file as UTF-8.", Assert.Single(JobFile.Read(path, []).Errors).ToString());
    }

    [Fact]
    public void Read_ByteOrderMark_IsSkipped()
    {
        var path = Write([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(JobText.Smallest)]);

        Assert.Empty(JobFile.Read(path, []).Errors);
    }

    [Fact]
    public void Parse_AnyCutOrBitFlip_GivesAJobOrErrorsAndNeverThrows()
    {
        // A fixed seed: the same 3,000 broken files in every run.
        var random = new Random(20);
        for (var i = 0; i < 3000; i++)
        {
            var text = JobText.Gpt.ToCharArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--)
            {
                text[random.Next(text.Length)] = Slips[random.Next(Slips.Length)];
            }

            var outcome = JobText.Parse(new string(text, 0, random.Next(text.Length)));
            Assert.Equal(outcome.Job is null, outcome.Errors.Length > 0);
            Assert.All(outcome.Errors, error => Assert.Matches(@"^job\.yaml:\d+: .+", error.ToString().ReplaceLineEndings(" ")));
        }
    }

    private string Write(byte[] bytes)
    {
        var path = Path.Combine(_folder, "job.yaml");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
