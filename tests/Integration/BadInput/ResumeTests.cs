using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests.BadInput;

/// <summary>A checkpoint that is not there (6), does not fit the job (3), or whose folder is taken (2).</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Resume_NoSuchCheckpoint_IsNotFound()
    {
        foreach (var command in new string[][] { Spirals.Command("run", [], "--resume", _folder.New("none")), ["evaluate", _folder.New("none")], ["checkpoint", "verify", _folder.New("none")], ["generate", _folder.Path] })
        {
            (await Command.RunAsync(command)).Expect(6).ExpectError(_folder.Path, "Give a run folder");
        }
    }

    [Fact]
    public async Task Resume_WithAJobThatDoesNotFit_SaysWhatDiffersAndTheCure()
    {
        var origin = _folder.New("origin");
        (await RunAsync(["training.steps=10"], "--out", origin)).Expect(0);
        (await RunAsync(["training.steps=20", "model.hidden=[8]"], "--resume", origin)).Expect(3).ExpectError("\"hidden\":[8]", "its own model");
        (await RunAsync(["training.steps=20", "seed=3", "training.globalBatch=16"], "--resume", origin)).Expect(3).ExpectError("--set seed=1234", "--set training.globalBatch=32");
        (await RunAsync(["training.steps=20", "training.optimizer.kind=sgd"], "--resume", origin)).Expect(3).ExpectError("--set training.optimizer.kind=adam");
        (await RunAsync(["training.steps=10"], "--resume", origin)).Expect(3).ExpectError("nothing is left to train", "--set training.steps=20");
        (await RunAsync(["training.steps=10"], "--out", origin)).Expect(2).ExpectError("holds a run already", "--resume");
        (await RunAsync(["training.steps=20", "data.validationShare=0.5"], "--resume", origin)).Expect(1).ExpectError("was trained on data with SHA-256");
        (await Command.RunAsync("checkpoint", "verify", origin)).Expect(0);
    }

    public void Dispose() => _folder.Dispose();

    private Task<CommandResult> RunAsync(string[] changes, params string[] more) =>
        Command.RunAsync(Spirals.Command("run", changes, more.Contains("--out") ? more : [.. more, "--out", _folder.New("run")]));
}
