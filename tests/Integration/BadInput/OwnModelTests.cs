using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests.BadInput;

/// <summary>A model of the user's that throws: where, what and in which file, in one sentence; 3 before the first step, 1 after it.</summary>
public sealed class OwnModelTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_TheConstructorThrows_SaysSo() =>
        (await RunAsync("StillbornTask", "nowhere")).Expect(3).ExpectError("The constructor of task ThrowingModel.StillbornTask threw InvalidOperationException: no licence key");

    [Fact]
    public async Task Run_CreateModelThrows_NamesCallAndPlace() =>
        (await RunAsync("ThrowingTask", "createModel")).Expect(3).ExpectError("ThrowingTask.CreateModel threw NotSupportedException: no such layer", "ThrowingTask.cs:");

    [Fact]
    public async Task Run_OpenDataThrows_NamesCallAndPlace() =>
        (await RunAsync("ThrowingTask", "openData")).Expect(3).ExpectError("ThrowingTask.OpenData threw InvalidOperationException: no such warehouse");

    [Fact]
    public async Task Run_ForwardThrowsAfterAStep_KeepsTheStepBefore()
    {
        var result = (await RunAsync("ThrowingTask", "forward")).Expect(1).ExpectError("ThrowingTask.LossSum threw InvalidOperationException: a shape does not fit", "ThrowingTask.cs:");
        Assert.Equal("failed", result.Text("state"));
        Assert.Contains("--resume", result.LastErrorLine);
        (await Command.RunAsync("checkpoint", "verify", result.Text("runDir"))).Expect(0);
    }

    [Fact]
    public async Task Run_NoSuchType_NamesTheNearest() =>
        (await RunAsync("ThrowingTsk", "nowhere")).Expect(3).ExpectError("no type ThrowingModel.ThrowingTsk", "nearest name first: ThrowingModel.ThrowingTask");

    public void Dispose() => _folder.Dispose();

    private Task<CommandResult> RunAsync(string type, string throwIn)
    {
        var job = _folder.Write("job.yaml", $$"""
            name: throwing
            task: {assembly: {{Command.Program("Orchestrator.ThrowingModel")}}, type: ThrowingModel.{{type}}, options: {throwIn: {{throwIn}} } }
            data: {kind: csv, path: {{Path.Combine(Command.Root, "examples/data/spirals.csv")}}, target: spiral}
            training: {steps: 5, globalBatch: 8, logicalRanks: 4}
            checkpoint: {everySteps: 1}
            """);
        return Command.RunAsync("run", job, "--format", "json", "--out", _folder.New("run"));
    }
}
