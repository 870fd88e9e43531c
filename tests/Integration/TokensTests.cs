using System.Runtime.Versioning;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>Who has no token, or a lesser one, is told so; who has one never sees it again.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class TokensTests : IDisposable
{
    private const string FileVariable = "ORCHESTRATOR_TOKEN_FILE";

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Verbs_ByRole_DoWhatTheRoleMayAndEndWith5Otherwise()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 0);
        var tokens = ReadTokens(Path.Combine(Command.Configurations, "orchestrator", "tokens"));
        CommandPlace With(string role, string token) => new() { Environment = new Dictionary<string, string> { [FileVariable] = WriteToken(role, token) } };
        var (viewer, submitter, worker) = (With("viewer", tokens["viewer"]), With("submitter", tokens["submitter"]), With("worker", tokens["worker"]));
        Task<CommandResult> AskAsync(CommandPlace place, params string[] verb) => Command.RunAsync(place, [.. verb, "--coordinator", cluster.Grpc]);

        (await AskAsync(viewer, "status")).Expect(0);
        (await AskAsync(viewer, Spirals.Command("submit", ["training.steps=5"], "--detach"))).Expect(5).ExpectError("needs the role submitter, and the token that came has the role viewer");
        var submitted = (await AskAsync(submitter, Spirals.Command("submit", ["training.steps=5"], "--detach", "--format", "json"))).Expect(0);
        (await AskAsync(viewer, "stop", submitted.Text("runId"))).Expect(5);
        (await AskAsync(submitter, "drain", "w-1")).Expect(5).ExpectError("needs the role admin");
        (await cluster.AskAsync("drain", "w-1")).Expect(6);
        (await AskAsync(worker, "status")).Expect(5);
        (await AskAsync(With("stranger", new string('0', 64)), "status")).Expect(5).ExpectError("none of this coordinator's", FileVariable);
        (await AskAsync(new CommandPlace { Environment = new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = _folder.New("empty") } }, "status"))
            .Expect(5).ExpectError("no token came", FileVariable);

        // A worker with the wrong role waits and says why; with its own it attaches.
        await using var refused = Command.Start(viewer, "worker", "--coordinator", cluster.Grpc);
        await refused.WaitForErrorAsync("needs the role worker, and the token that came has the role viewer");
        await using var admitted = Command.Start(worker, "worker", "--coordinator", cluster.Grpc);
        await cluster.Coordinator.WaitForErrorAsync("Worker w-1 attached");
    }

    [Fact]
    public async Task Tokens_OfAClusterThatHasTrained_StandInNoLogNoAnswerAndNoFile()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 1);
        var tokens = ReadTokens(Path.Combine(Command.Configurations, "orchestrator", "tokens"));
        var runDir = _folder.New("run");
        var submitted = (await cluster.AskAsync(Spirals.Command("submit", ["training.steps=5"], "--format", "json", "--out", runDir))).Expect(0);
        var runId = submitted.Text("runId");
        using var http = new HttpClient();
        var said = new List<string> { submitted.ToString() };
        foreach (var verb in (string[][])[["status", "--format", "json"], ["status", runId], ["workers", "--format", "json"], ["logs", runId]])
        {
            said.Add((await cluster.AskAsync(verb)).Expect(0).ToString());
        }

        foreach (var path in (string[])["metrics", "targets", "healthz"])
        {
            said.Add(await http.GetStringAsync($"http://{cluster.Http}/{path}"));
        }

        said.Add(File.ReadAllText($"/proc/{cluster.Workers[0].Pid}/cmdline"));
        (await cluster.Workers[0].EndAsync()).Expect(0);
        (await cluster.Coordinator.EndAsync()).Expect(0);
        said.AddRange([cluster.Coordinator.Error, cluster.Workers[0].Error]);

        Assert.All(tokens.Values, token => Assert.DoesNotContain(said, text => text.Contains(token, StringComparison.Ordinal)));
        Assert.Empty(FilesWith(tokens.Values, _folder.Path));
    }

    [Fact]
    public async Task Run_ItsOwnTokens_GoToItsWorkersByTheEnvironmentAndEndWithIt()
    {
        var runDir = _folder.New("run");
        await using var run = Command.Start(Spirals.Command("run", [Spirals.Endless], "--workers", "1", "--format", "jsonl", "--out", runDir));
        var worker = (await run.WaitForEventAsync("worker.ready")).GetProperty("pid").GetInt32();
        var file = Path.Combine(runDir, "coordinator.tokens");
        var tokens = ReadTokens(file);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.DoesNotContain(tokens["worker"], File.ReadAllText($"/proc/{worker}/cmdline"), StringComparison.Ordinal);
        Assert.Contains(tokens["worker"], File.ReadAllText($"/proc/{worker}/environ"), StringComparison.Ordinal);

        // By the folder its tokens are found; by the address alone they are not.
        (await Command.RunAsync("status", "--coordinator", runDir)).Expect(0);
        (await Command.RunAsync("status", "--coordinator", File.ReadAllText(Path.Combine(runDir, "coordinator")).Trim())).Expect(5);

        run.Send(Signal.Interrupt);
        var ended = await run.WaitForEndAsync();
        Assert.Equal(130, ended.ExitCode);
        Assert.False(File.Exists(file), $"{file} was to go with the run.");
        Assert.All(tokens.Values, token => Assert.DoesNotContain(token, ended.ToString(), StringComparison.Ordinal));
        Assert.Empty(FilesWith(tokens.Values, runDir));
    }

    public void Dispose() => _folder.Dispose();

    private static Dictionary<string, string> ReadTokens(string path) => File.ReadAllLines(path).Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(line => line.Split(' ')[0], line => line.Split(' ')[1]);

    /// <summary>A file with a single token, as one gives it to somebody.</summary>
    private string WriteToken(string name, string token)
    {
        var path = _folder.New(name);
        File.WriteAllText(path, token + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    private static IEnumerable<string> FilesWith(ICollection<string> tokens, string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => File.ReadAllBytes(file) is var bytes && tokens.Any(token =>
            bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(token)) >= 0));
}
