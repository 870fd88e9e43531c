using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
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

    /// <summary>The same with keys: a cluster with mutual TLS, its own token file and a password for a store that is not there.</summary>
    [Fact]
    public async Task Secrets_OfATlsClusterThatHasTrained_StandInNoLogNoAnswerAndNoFile()
    {
        var (certs, tokenFile, runs) = (_folder.New("certs"), _folder.New("tokens"), _folder.New("runs"));
        (await Command.RunAsync("certs", "init", "--out", certs)).Expect(0);
        string[] Files(string name) => ["--tls-cert", Path.Combine(certs, $"{name}.pem"), "--tls-key", Path.Combine(certs, $"{name}.key"), "--tls-ca", Path.Combine(certs, "ca.pem")];
        var place = new CommandPlace { Environment = new Dictionary<string, string> { [FileVariable] = tokenFile } };
        const string Password = "a-password-of-the-store";
        var unreachable = await Command.RunAsync(place, ["coordinator", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--runs", runs, "--store", $"postgres://user:{Password}@127.0.0.1:9/runs"]);
        await using var coordinator = Command.Start(place, ["coordinator", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--runs", runs, .. Files("coordinator")]);
        var (grpc, http) = Cluster.ReadAddresses(await coordinator.WaitForErrorAsync("listens on"));
        await using var worker = Command.Start(place, ["worker", "--coordinator", $"https://{grpc}", .. Files("worker")]);
        await coordinator.WaitForErrorAsync("Worker w-1 attached");
        async Task<CommandResult> AskAsync(params string[] verb) => (await Command.RunAsync(place, [.. verb, "--coordinator", $"https://{grpc}", .. Files("client")])).Expect(0);

        var submitted = await AskAsync(Spirals.Command("submit", ["training.steps=5"], "--format", "json", "--out", _folder.New("run")));
        var runId = submitted.Text("runId");
        var said = new List<string> { unreachable.Expect(1).Error, unreachable.Output, submitted.ToString() };
        foreach (var verb in (string[][])[["status", "--format", "json"], ["status", runId], ["workers", "--format", "json"], ["logs", runId]])
        {
            said.Add((await AskAsync(verb)).ToString());
        }

        var tokens = ReadTokens(tokenFile);
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, _, _, _) => true, ClientCertificates = { X509Certificate2.CreateFromPemFile(Path.Combine(certs, "client.pem"), Path.Combine(certs, "client.key")) },
        };
        using var client = new HttpClient(handler) { BaseAddress = new Uri($"https://{http}"), DefaultRequestHeaders = { Authorization = new("Bearer", tokens["viewer"]) } };
        foreach (var path in (string[])["metrics", "targets", "openapi.json", "api/v1/runs", $"api/v1/runs/{runId}", $"api/v1/runs/{runId}/events", $"api/v1/runs/{runId}/steps", "api/v1/workers"])
        {
            said.Add(await client.GetStringAsync(path));
        }

        // A token that is added counts without a restart.
        var added = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        File.AppendAllText(tokenFile, $"viewer {added}\n");
        await coordinator.WaitForErrorAsync("were read again: 5 count, 1 of them new; 0 are gone.");
        client.DefaultRequestHeaders.Authorization = new("Bearer", added);
        said.Add(await client.GetStringAsync("api/v1/runs"));

        // What a refusal says may not repeat what came.
        using var refused = await client.PostAsync($"api/v1/runs/{runId}/stop", null);
        said.Add(await refused.Content.ReadAsStringAsync());
        said.AddRange([File.ReadAllText($"/proc/{worker.Pid}/cmdline"), File.ReadAllText($"/proc/{coordinator.Pid}/cmdline")]);
        (await worker.EndAsync()).Expect(0);
        (await coordinator.EndAsync()).Expect(0);
        said.AddRange([coordinator.Error, worker.Error]);

        string[] keys = [.. Directory.GetFiles(certs, "*.key")];
        Assert.Equal(4, keys.Length);
        string[] secrets = [.. tokens.Values, added, Password, .. keys.SelectMany(File.ReadAllLines).Where(line => line.Length >= 32 && !line.StartsWith('-'))];
        Assert.True(secrets.Length > 8, $"{secrets.Length} secrets were found to look for.");
        Assert.All(secrets, secret => Assert.DoesNotContain(said, text => text.Contains(secret, StringComparison.Ordinal)));
        Assert.Equal([.. keys.Append(tokenFile).Order()], FilesWith(secrets, _folder.Path).Order());
    }

    [Fact]
    public async Task Submit_WithAJoinToken_AWorkerThatHasItTrainsThatRunAndIsRefusedAfterIt()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 0);
        var file = _folder.New("join");
        string[] Submit() => Spirals.Command("submit", ["training.steps=5"], "--workers", "1", "--detach", "--format", "json", "--join-token", file);
        var submitted = (await cluster.AskAsync(Submit())).Expect(0);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await using var worker = Command.Start(new CommandPlace { Environment = new Dictionary<string, string> { [FileVariable] = file } }, "worker", "--coordinator", cluster.Grpc);

        (await cluster.AskAsync("wait", submitted.Text("runId"))).Expect(0);

        await worker.WaitForErrorAsync("none of this coordinator's");
        (await cluster.AskAsync(Submit())).Expect(2).ExpectError("--join-token", "Name one that is not there yet.");
        var token = ReadTokens(file)["worker"];
        Assert.DoesNotContain(token, submitted + cluster.Coordinator.Error + worker.Error, StringComparison.Ordinal);
        Assert.Equal([file], FilesWith([token], _folder.Path));
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
