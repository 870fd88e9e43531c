using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests.BadInput;

/// <summary>A data file that is missing or damaged ends the run before its first step, with the file, what is wrong and what to do. Exit code 1.</summary>
public sealed class DataFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_NoSuchFile_NamesIt() =>
        (await RunAsync(CsvJob("none.csv"))).ExpectError(Path.Combine(_folder.Path, "none.csv"), "does not exist");

    [Fact]
    public async Task Run_ACsvWithAWordWhereANumberBelongs_NamesFileAndLine()
    {
        var table = _folder.Write("table.csv", "a,b,y\n1,2,x\n3,oops,y\n1,2,x\n4,5,y\n");
        (await RunAsync(CsvJob("table.csv"))).ExpectError($"{table}, line 3: column 'b' holds 'oops'");
    }

    [Fact]
    public async Task Run_AnIdxFileThatWasCutOff_TellsBothSizes()
    {
        var images = await DrawDigitsAsync();
        using (var file = File.OpenWrite(images))
        {
            file.SetLength(1000);
        }

        (await RunAsync(IdxJob())).ExpectError(images, "1000 bytes", "31376 bytes were expected");
    }

    [Fact]
    public async Task Run_AnIdxFileWithAWrongMagicNumber_TellsBothNumbers()
    {
        var images = await DrawDigitsAsync();
        using (var file = File.OpenWrite(images))
        {
            file.Write([0, 0, 9, 9]);
        }

        (await RunAsync(IdxJob())).ExpectError(images, "2313", "2051 was expected");
    }

    [Fact]
    public async Task Run_NoDigitsThere_SaysWhatToPutThere() =>
        (await RunAsync(IdxJob())).ExpectError("train-images-idx3-ubyte", "drawDigits", "download: true");

    public void Dispose() => _folder.Dispose();

    private async Task<CommandResult> RunAsync(string job)
    {
        var result = (await Command.RunAsync("run", job, "--workers", "2", "--format", "json", "--out", _folder.New("run"))).Expect(1);
        Assert.Equal(("failed", 0), (result.Text("state"), result.Json.GetProperty("steps").GetInt32()));
        Assert.Contains(_folder.Path, result.LastErrorLine);
        return result;
    }

    /// <returns>The path of the training images.</returns>
    private async Task<string> DrawDigitsAsync()
    {
        var folder = Path.Combine(_folder.Path, "digits");
        (await Command.RunAsync("data", "digits", "--out", folder, "--training", "40", "--held-out", "10")).Expect(0);
        return Path.Combine(folder, "train-images-idx3-ubyte");
    }

    private string CsvJob(string table) => _folder.Write("job.yaml", $$"""
        name: csv
        model: {kind: mlp, hidden: [8]}
        data: {kind: csv, path: {{table}}, target: y}
        training: {steps: 3, globalBatch: 2, logicalRanks: 2}
        """);

    private string IdxJob() => _folder.Write("job.yaml", """
        name: idx
        model: {kind: cnn, channels: [4], hidden: 8}
        data: {kind: idx, dir: digits}
        training: {steps: 3, globalBatch: 4, logicalRanks: 2}
        """);
}
