using System.Diagnostics;

namespace Orchestrator.Tests.Support;

/// <summary>Debian's PostgreSQL with a data folder of its own, on a Unix socket; nothing of it is left when it is disposed of.</summary>
/// <remarks>A shell stands between: it stops the server when this process goes, however it goes.</remarks>
internal sealed class PostgresCluster : IAsyncDisposable
{
    public const string Package = "postgresql";

    private const string Account = "postgres";

    /// <summary>The server ends when the shell's standard input does; SIGQUIT, so that it drops its clients and recovers at the next start.</summary>
    private const string UntilInputEnds = """
        "$@" & server=$!; trap '' TERM INT; read -r _; kill -QUIT $server; wait $server
        """;

    // Starting takes under a second on a quiet machine.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder;
    private readonly string _programs;
    private Process? _server;
    private string _log = "";

    private PostgresCluster(DirectoryInfo folder, string programs) => (_folder, _programs) = (folder, programs);

    /// <summary>For --store.</summary>
    public string ConnectionString => $"Host={_folder.FullName};Username={Account};Database=postgres";

    /// <summary>Makes a cluster and starts it. Skips the test when PostgreSQL is not installed.</summary>
    public static async Task<PostgresCluster> StartAsync()
    {
        const string root = "/usr/lib/postgresql";
        var programs = Directory.Exists(root)
            ? Directory.GetDirectories(root).Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order().LastOrDefault() : null;
        Assert.SkipUnless(programs is not null, $"PostgreSQL is not installed (apt-get install {Package}).");
        var folder = Directory.CreateTempSubdirectory("postgres-test-");
        var cluster = new PostgresCluster(folder, programs!);
        if (Environment.IsPrivilegedProcess)
        {
            // It refuses to run as root.
            await cluster.RunAsync("chown", Account, folder.FullName);
        }

        // No fsync: the tests kill processes, never the kernel, and what a process wrote outlives it.
        await cluster.RunAsync([.. cluster.As("initdb"), "-D", cluster.Data, "-U", Account, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"]);
        await cluster.RiseAsync();
        return cluster;
    }

    /// <summary>Starts the server again after <see cref="FallAsync"/>.</summary>
    public async Task RiseAsync()
    {
        var info = new ProcessStartInfo(
            "/bin/sh",
            ["-c", UntilInputEnds, "sh", .. As("postgres"), "-D", Data, "-k", _folder.FullName, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        var server = Process.Start(info)!;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.ErrorDataReceived += (_, line) =>
        {
            _log += line.Data + "\n";
            if (line.Data?.Contains("database system is ready to accept connections", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }
        };
        server.BeginErrorReadLine();
        server.BeginOutputReadLine();
        _server = server;
        if (await Task.WhenAny(ready.Task, server.WaitForExitAsync(), Task.Delay(Patience)) != ready.Task)
        {
            Assert.Fail($"PostgreSQL did not start within {Patience}: {_log}");
        }
    }

    /// <summary>Stops the server as a crash would.</summary>
    public async Task FallAsync()
    {
        if (_server is { } server)
        {
            server.StandardInput.Close();
            await server.WaitForExitAsync();
            server.Dispose();
            _server = null;
        }
    }

    /// <summary>Makes an empty database and returns the address of it.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        var name = $"test_{Guid.NewGuid():N}";
        await RunAsync([.. As("createdb"), "-h", _folder.FullName, "-U", Account, name]);
        return $"Host={_folder.FullName};Username={Account};Database={name}";
    }

    /// <summary>Asks the database that <see cref="ConnectionString"/> names.</summary>
    /// <returns>A line for each row, with tabs between.</returns>
    public Task<string> QueryAsync(string sql) =>
        RunAsync([.. As("psql"), "-h", _folder.FullName, "-U", Account, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-At", "-F", "\t", "-c", sql]);

    public async ValueTask DisposeAsync()
    {
        await FallAsync();
        _folder.Delete(recursive: true);
    }

    private string Data => Path.Combine(_folder.FullName, "data");

    private string[] As(string program) => Environment.IsPrivilegedProcess
        ? ["setpriv", $"--reuid={Account}", $"--regid={Account}", "--clear-groups", Path.Combine(_programs, program)]
        : [Path.Combine(_programs, program)];

    /// <returns>What it said.</returns>
    private async Task<string> RunAsync(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command.AsEnumerable().Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {await output}{error}");
        return await output;
    }
}
