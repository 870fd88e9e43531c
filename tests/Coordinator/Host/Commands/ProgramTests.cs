using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Security.Tls;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Commands;

/// <summary>Exit codes and last lines of the real program, as scripts rely on them.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("program-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<ProgramRun> Type(params string[] arguments) => ProgramRun.StartAsync(_folder, new Dictionary<string, string>(), arguments);

    private string WriteJob(string text = JobText.Smallest)
    {
        File.WriteAllText(Path.Combine(_folder, "job.yaml"), text);
        return "job.yaml";
    }

    [Theory]
    [InlineData("runn", "There is no verb 'runn'. Did you mean 'run'?")]
    [InlineData("run", "Required argument missing for command: 'run'.")]
    [InlineData("status --format xml", "--format xml: one of table, json, jsonl is needed.")]
    [InlineData("run job.yaml --workers 0", "--workers 0: a number from 1 on is needed.")]
    [InlineData("run job.yaml --stop-after 0", "--stop-after 0: a step from 1 on is needed.")]
    [InlineData("run job.yaml --set steps", "--set steps: a dotted path, an equals sign and a value are needed, such as --set training.steps=20.")]
    [InlineData("run job.yaml --nnodes 2:4", "--nnodes 2:4: run trains on this machine alone. For several hosts start a coordinator and workers, then type: ./orchestrator submit JOB.yaml --nnodes 2:4")]
    [InlineData("wait x --timeout 2w", "--timeout 2w: a time is needed, such as 90s, 15m or 2h.")]
    [InlineData("wait x --for=state=done", "--for state=done: state=STATE is needed, with one of queued, running, paused, succeeded, failed, stopped.")]
    [InlineData("coordinator --listen 7070", "--listen: '7070' is not an address; HOST:PORT is needed, such as 127.0.0.1:7070.")]
    public async Task Usage_Mistake_IsExitCode2(string line, string expected)
    {
        WriteJob();

        var run = await Type(line.Split(' '));

        Assert.Equal((2, expected), (run.ExitCode, run.Error[0]));
        Assert.Empty(run.Out);
    }

    [Fact]
    public async Task Run_WrongJobFile_GivesEveryMistakeAndExitCode3()
    {
        var run = await Type("run", WriteJob(JobText.Smallest + "\nworkerss: {min: 1}\nseed: x"));

        Assert.Equal(3, run.ExitCode);
        Assert.Equal(
            ["job.yaml:4: workerss is not a key; did you mean 'workers'?", "job.yaml:5: seed is 'x'; a whole number from 0 to 9223372036854775807 is needed."], run.Error);
    }

    [Fact]
    public async Task Run_NoSuchFile_IsExitCode6() => Assert.Equal(6, (await Type("run", "nothing.yaml")).ExitCode);

    [Fact]
    public async Task Run_NoSuchCheckpoint_IsExitCode6()
    {
        var run = await Type("run", WriteJob(), "--resume", "nowhere");

        Assert.Equal(6, run.ExitCode);
        Assert.StartsWith($"There is no checkpoint at {_folder}/nowhere", run.Reason);
    }

    [Fact]
    public async Task Run_FolderOfAnotherRun_IsRefused()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "used"));
        File.WriteAllText(Path.Combine(_folder, "used", "events.jsonl"), "");

        var run = await Type("run", WriteJob(), "--out", "used");

        Assert.Equal(2, run.ExitCode);
        Assert.Equal($"{_folder}/used holds a run already. Choose another folder with --out, or go on with that run: --resume {_folder}/used", run.Reason);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("workers")]
    [InlineData("stop x")]
    [InlineData("wait x")]
    [InlineData("logs x")]
    [InlineData("submit job.yaml")]
    public async Task Client_NoCoordinator_IsExitCode4(string line)
    {
        WriteJob();
        var port = FreePort.Find();

        var run = await Type([.. line.Split(' '), "--coordinator", $"127.0.0.1:{port}"]);

        Assert.Equal(4, run.ExitCode);
        Assert.StartsWith($"No coordinator answers at 127.0.0.1:{port}. Start one with ./orchestrator coordinator", run.Reason);
    }

    [Fact]
    public async Task Coordinator_AddressOfOthers_NeedsInsecure()
    {
        var run = await Type("coordinator", "--listen", "0.0.0.0:0");

        Assert.Equal(5, run.ExitCode);
        Assert.Contains("Add --insecure if the network is trusted", run.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--listen", "--http")]
    [InlineData("--http", "--listen")]
    public async Task Coordinator_PortInUse_NamesThePortAndTheCure(string taken, string free)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        var run = await Type("coordinator", taken, $"127.0.0.1:{port}", free, "127.0.0.1:0");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            $"Port {port} of 127.0.0.1 is in use by another program, perhaps another coordinator. Choose another with {taken} 127.0.0.1:PORT, or end that program (ss -ltnp shows it).", run.Reason);
    }

    [Fact]
    public async Task Run_NoWorkerProgram_SaysWhereItWasLookedFor()
    {
        var run = await ProgramRun.StartAsync(_folder, new Dictionary<string, string> { ["ORCHESTRATOR_WORKER"] = "/nowhere/W.dll" }, "run", WriteJob());

        Assert.Equal(6, run.ExitCode);
        Assert.Equal("ORCHESTRATOR_WORKER is /nowhere/W.dll, and there is no such file. Set it to the path of Orchestrator.Worker.dll, or unset it.", run.Reason);
    }

    /// <summary>The coordinator's own program has no verb 'worker': a worker process that ends before it attaches.</summary>
    [Fact]
    public async Task Run_WorkersEndAtOnce_FailsWithWhatTheySaid()
    {
        var run = await ProgramRun.StartAsync(
            _folder, new Dictionary<string, string> { ["ORCHESTRATOR_WORKER"] = ProgramRun.Assembly }, "run", WriteJob(), "--out", "r", "--format", "json");

        Assert.Equal(1, run.ExitCode);
        Assert.Matches(
            $"^The worker process \\d+ ended with exit code 2\\. It said: There is no verb 'worker'\\..* Its log is {_folder}/r/logs/process-1\\.log$", run.Reason);
        using var result = JsonDocument.Parse(Assert.Single(run.Out));
        Assert.Equal(
            ["runId", "state", "steps", "loss", "weightsSha256", "samplesPerSecond", "workers", "generations", "lostLogicalRankSteps", "runDir"],
            result.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("failed", 0), (result.RootElement.GetProperty("state").GetString(), result.RootElement.GetProperty("steps").GetInt32()));
        Assert.Contains("\"event\":\"run.ended\"", File.ReadLines(Path.Combine(_folder, "r", "events.jsonl")).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_RunFolderWithoutARun_IsExitCode4()
    {
        var run = await Type("status", "--coordinator", _folder);

        Assert.Equal(4, run.ExitCode);
        Assert.StartsWith($"No run is under way in {_folder}: it has no file 'coordinator'.", run.Reason);
    }

    [Fact]
    public async Task Client_RunFolder_AsksTheCoordinatorThatItNames()
    {
        var port = FreePort.Find();
        using (CoordinatorFile.Write(_folder, $"127.0.0.1:{port}", TokenFile.NewLines()))
        {
            Assert.StartsWith($"No coordinator answers at 127.0.0.1:{port}.", (await Type("status", "--coordinator", _folder)).Reason);
        }

        Assert.Null(CoordinatorFile.Read(_folder));
        Assert.Null(CoordinatorFile.TokensOf(_folder));
    }

    [Fact]
    public async Task Certs_Init_MakesAnAuthorityThatSignedTheOthersAndOverwritesNothing()
    {
        var made = await Type("certs", "init", "--out", "certs", "--host", "10.0.0.1", "--host", "train.example");

        Assert.Equal(0, made.ExitCode);
        Assert.Equal(
            ["ca.key", "ca.pem", "client.key", "client.pem", "coordinator.key", "coordinator.pem", "worker.key", "worker.pem"],
            Directory.GetFiles(Path.Combine(_folder, "certs")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        string In(string file) => Path.Combine(_folder, "certs", file);
        Assert.All(Directory.GetFiles(In(""), "*.key"), key => Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(key) == (UnixFileMode.UserRead | UnixFileMode.UserWrite), key));
        using var server = PeerSecurity.Load(new TlsFiles(In("coordinator.pem"), In("coordinator.key"), In("ca.pem")));
        using var worker = PeerSecurity.Load(new TlsFiles(In("worker.pem"), In("worker.key"), In("ca.pem")));
        using var client = PeerSecurity.Load(new TlsFiles(In("client.pem"), In("client.key"), In("ca.pem")) { IsServer = false });
        Assert.Contains("cannot be used with", Assert.Throws<IOException>(() => PeerSecurity.Load(new TlsFiles(In("client.pem"), In("client.key"), In("ca.pem")))).Message, StringComparison.Ordinal);
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(In("worker.pem"));
        Assert.All((string[])["10.0.0.1", "train.example", "localhost", "127.0.0.1"], name => Assert.True(certificate.MatchesHostname(name), name));
        Assert.False(certificate.MatchesHostname("10.0.0.2"));

        var again = await Type("certs", "init", "--out", "certs");
        Assert.Equal(2, again.ExitCode);
        Assert.StartsWith($"{_folder}/certs holds an authority already", again.Reason);
    }

    [Theory]
    [InlineData("coordinator --tls-cert a.pem", "--tls-cert and --tls-key go together: give both or none.")]
    [InlineData("coordinator --tls-ca a.pem", "--tls-ca is of no use to a coordinator without --tls-cert and --tls-key.")]
    [InlineData("coordinator --tls-cert a.pem --tls-key a.key", "--tls-cert a.pem does not give a certificate")]
    [InlineData("certs init --out c --host 10.0.0.1:7070", "--host 10.0.0.1:7070 is no name and no address")]
    public async Task Tls_AMistake_IsExitCode2WithTheCure(string line, string expected)
    {
        var run = await Type([.. line.Split(' '), .. line.StartsWith("coord", StringComparison.Ordinal) ? ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"] : Array.Empty<string>()]);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith(expected, run.Reason);
    }

    [Fact]
    public async Task Help_OfAVerb_EndsWithAnExample()
    {
        var run = await Type("run", "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("  ./orchestrator run ", run.Out[^1]);
    }
}
