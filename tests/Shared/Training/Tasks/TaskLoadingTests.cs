using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using Orchestrator.Training.Tests.Data;
using TorchSharp;

namespace Orchestrator.Training.Tests.Tasks;

/// <summary>Loads Orchestrator.SampleTasks.dll, a user's assembly that nothing here references, from its own output folder.</summary>
public sealed class TaskLoadingTests
{
    // artifacts/bin/PROJECT/CONFIGURATION/: the sample's output lies beside this test's.
    private static readonly string Assembly = Path.GetFullPath(
        Path.Combine(AppContext.BaseDirectory, "..", "..", "Orchestrator.SampleTasks", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), "Orchestrator.SampleTasks.dll"));

    [Theory]
    [InlineData("SampleTasks.ScaleTask")]
    [InlineData("ScaleTask")]
    public void Create_OwnTask_TrainsWithTheHostsTypes(string type)
    {
        using var task = Create(type, ("scale", "3"));
        var context = new TaskContext(Jobs.With(null, task: Jobs.Task(Assembly, type, ("scale", "3"))), () => throw new InvalidOperationException());
        using var parts = task.OpenData(context);
        using var model = task.CreateModel(context, parts.Shape);
        using var batch = parts.Training.Read([0, 1], new SampleStreams(1, 0));
        using var loss = task.LossSum(model, batch.Inputs, batch.Targets);
        // Inputs 0 and 1, a weight of 0, targets three times the inputs.
        Assert.Equal(9, loss.ToDouble());
        Assert.IsAssignableFrom<TrainingTask>(task);
        Assert.NotSame(typeof(TrainingTask).Assembly, task.GetType().Assembly);
    }

    [Theory]
    [InlineData("SampleTasks.ScalTask", "has no type SampleTasks.ScalTask. The tasks in it, nearest name first: SampleTasks.ScaleTask")]
    [InlineData("SampleTasks.NotATask", "does not derive from Orchestrator.Training.Tasks.TrainingTask. The tasks in it")]
    [InlineData("SampleTasks.AbstractTask", "is abstract: no instance can be made")]
    [InlineData("SampleTasks.NeedyTask", "has no public constructor without parameters")]
    [InlineData("SampleTasks.ThrowingTask", "The constructor of task SampleTasks.ThrowingTask threw InvalidOperationException: the sample's own words")]
    public void Create_WrongType_SaysWhatIsWrong(string type, string complaint)
    {
        var error = Assert.Throws<TaskException>(() => Create(type));
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_NoSuchFile_SaysToBuildFirst()
    {
        var error = Assert.Throws<TaskException>(() => TrainingTaskFactory.Create(Jobs.With(null, task: Jobs.Task("/nowhere/Own.dll", "Own"))));
        Assert.Contains("task.assembly /nowhere/Own.dll does not exist. Build your project first", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_FileThatIsNoAssembly_SaysSo()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("Own.dll", "not an assembly");
        var error = Assert.Throws<TaskException>(() => TrainingTaskFactory.Create(Jobs.With(null, task: Jobs.Task(path, "Own"))));
        Assert.Contains($"task.assembly {path} is no .NET assembly", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_NeitherOrBoth_SaysWhatToWrite()
    {
        Assert.Contains("names neither a model nor a task", Assert.Throws<TaskException>(() => TrainingTaskFactory.Create(Jobs.With(null))).Message, StringComparison.Ordinal);
        var both = Jobs.With(null, new Orchestrator.Core.Jobs.MlpSpec(), Jobs.Task("/x.dll", "X"));
        Assert.Contains("names both a model and a task", Assert.Throws<TaskException>(() => TrainingTaskFactory.Create(both)).Message, StringComparison.Ordinal);
    }

    private static TrainingTask Create(string type, params (string Key, string Value)[] options) =>
        TrainingTaskFactory.Create(Jobs.With(null, task: Jobs.Task(Assembly, type, options)));
}
