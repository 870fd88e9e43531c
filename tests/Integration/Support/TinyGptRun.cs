using System.Text.Json;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>One finished run of a GPT that is as small as it can be; tests read it and copy what they change.</summary>
public sealed class TinyGptRun : IAsyncLifetime
{
    public const int Steps = 2;

    private static readonly string[] Job =
    [
        $"training.steps={Steps}", "training.globalBatch=8", "model.width=16", "model.layers=1", "model.heads=2", "model.context=16",
        "data.paths=[\"README.md\", \"Shared/Storage/*.cs\"]",
    ];

    private readonly TestFolder _folder = new();

    /// <summary>The run's folder.</summary>
    public string RunFolder { get; private set; } = "";

    public string Checkpoint => Path.Combine(RunFolder, "checkpoints", $"step-{Steps:D8}");

    public string WeightsSha256 { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        RunFolder = _folder.New("run");
        var run = await Command.RunAsync(
        [
            "run", "examples/char-gpt.yaml", "--workers", "1", "--format", "json", "--out", RunFolder,
            .. Job.SelectMany(change => new[] { "--set", change }),
        ]);
        WeightsSha256 = run.Expect(0).WeightsSha256;
    }

    /// <summary>The last event of that name.</summary>
    public JsonElement LastEvent(string name) => File.ReadLines(Path.Combine(RunFolder, "events.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement).Last(line => line.GetProperty("event").GetString() == name);

    /// <summary>A path that nothing has used.</summary>
    public string NewPath(string name) => _folder.New(name);

    /// <summary>The checkpoint's files in a folder of their own, to be damaged.</summary>
    public string CopyCheckpoint()
    {
        var copy = Directory.CreateDirectory(NewPath("copy")).FullName;
        foreach (var file in Directory.GetFiles(Checkpoint))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
