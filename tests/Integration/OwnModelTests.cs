using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A task from an assembly of the user's own: the same promises, and its mistakes are told as a sentence.</summary>
public sealed class OwnModelTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_OfOwnTaskOnOneAndTwoWorkers_GivesTheSameHash()
    {
        var one = (await Run(1)).Expect(0);
        var two = (await Run(2)).Expect(0);
        Assert.Equal(3, one.Json.GetProperty("steps").GetInt64());
        Assert.Equal(one.WeightsSha256, two.WeightsSha256);
    }

    [Fact]
    public async Task Run_TaskThrowsWhileItCreatesTheModel_EndsWithTheTasksNameAndPlace()
    {
        var result = (await Run(2, "task.options.hidden=x")).Expect(3).ExpectError();
        Assert.StartsWith("DemandForecast.CreateModel threw ArgumentException: task.options.hidden is 'x'; a whole number of at least 1", result.LastErrorLine, StringComparison.Ordinal);
        Assert.Matches(@"\(in Option, .*DemandForecast\.cs:\d+\)$", result.LastErrorLine);
        Assert.Equal("failed", result.Text("state"));
    }

    [Fact]
    public async Task Run_TaskSaysThatItsDataDoesNotFit_EndsWithItsSentence()
    {
        var result = await Run(1, "task.options.weeks=1");
        Assert.NotEqual(0, result.ExitCode);
        result.ExpectError();
        Assert.StartsWith("task.options: 1 weeks hold out 33 hours", result.LastErrorLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("task.type=OwnModel.Forcast", "has no type OwnModel.Forcast")]
    [InlineData("task.assembly=artifacts/bin/OwnModel/none.dll", "does not exist. Build your project first")]
    public async Task Run_TaskIsNotThere_EndsWithTheCure(string change, string sentence)
    {
        var result = (await Run(1, change)).Expect(3).ExpectError();
        Assert.Contains(sentence, result.LastErrorLine, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    // Four weeks of data instead of two years: 490 windows to train on.
    private Task<CommandResult> Run(int workers, params string[] changes)
    {
        string[] all = ["training.steps=3", "task.options.weeks=4", $"task.assembly={Command.Program("OwnModel")}", .. changes];
        return Command.RunAsync(
        [
            "run", "examples/own-model/job.yaml", "--workers", $"{workers}", "--format", "json", "--out", _folder.New("run"),
            .. all.SelectMany(change => new[] { "--set", change }),
        ]);
    }
}
