using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests.BadInput;

/// <summary>A wrong job file: every mistake at once, with file and line, before anything is started. Exit code 3.</summary>
public sealed class JobFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_SeveralMistakesInTheJobFile_AllAreNamedWithLineAndNearestKey()
    {
        var job = _folder.Write("bad.yaml", """
            name: bad
            model: {kind: mlp, hiden: [8]}
            data: {kind: csv, path: table.csv, target: y}
            training:
              steps: 10
              globalBatch: many
            workers: {isa: sse9}
            """);
        var result = (await Command.RunAsync("run", job, "--out", _folder.New("run"))).Expect(3);
        result.ExpectError(
            $"{job}:2: model.hiden is not a key of model kind mlp; did you mean 'hidden'?", $"{job}:6: training.globalBatch is 'many'", $"{job}:7: workers.isa is 'sse9'");
        Assert.Equal(3, result.Error.TrimEnd().Split('\n').Length);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("training.stepps=10", "--set training.stepps=10", "did you mean 'steps'?")]
    [InlineData("training.steps=ten", "--set training.steps=ten", "a whole number")]
    [InlineData("training.optimizer.learningRate=-1", "learningRate", "above 0")]
    public async Task Run_AMistakeInSet_NamesTheOption(string change, params string[] words) =>
        (await Command.RunAsync(Spirals.Command("run", [change], "--out", _folder.New("run")))).Expect(3).ExpectError(words);

    [Fact]
    public async Task Run_NoSuchJobFile_IsNotFound() =>
        (await Command.RunAsync("run", _folder.New("none.yaml"))).Expect(6).ExpectError("There is no job file", "examples/char-gpt.yaml");

    [Theory]
    [InlineData("run")]
    [InlineData("run", "examples/spirals-mlp.yaml", "--workrs", "2")]
    [InlineData("trian")]
    [InlineData("worker", "--isa", "sse9")]
    [InlineData("generate")]
    public async Task Command_ThatIsMistyped_IsAUsageErrorThatNamesTheHelp(params string[] arguments) =>
        (await Command.RunAsync(arguments)).Expect(2).ExpectError("--help");

    public void Dispose() => _folder.Dispose();
}
