using System.Diagnostics;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Launch;

/// <summary>One worker process of this machine. It ends when its standard input closes, so it never outlives this process, however that ends.</summary>
internal sealed class LaunchedWorker : IAsyncDisposable
{
    /// <summary>Last lines of the log that an error shows.</summary>
    private const int TailLines = 5;

    private const string SetSid = "/usr/bin/setsid";

    private readonly Process _process;
    private readonly Queue<string> _tail = new();
    private readonly Lock _lock = new();

    private LaunchedWorker(Process process, string logPath, StreamWriter log)
    {
        (_process, LogPath) = (process, logPath);
        Ended = WatchAsync(log);
    }

    public int Pid => _process.Id;

    public string LogPath { get; private set; }

    /// <summary>Ends when the process has, with its exit code (128 + the signal when one killed it).</summary>
    public Task<int> Ended { get; }

    /// <param name="assembly">The worker program.</param>
    /// <param name="coordinator">Where it finds its coordinator, host:port.</param>
    /// <param name="token">What it shows it; it goes by the environment, which other users cannot read.</param>
    /// <param name="launcher">Names this launcher.</param>
    /// <param name="logFolder">Takes its output, as process-N.log until it has an id.</param>
    /// <param name="number">N.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    public static LaunchedWorker Start(string assembly, string coordinator, string token, string launcher, string logFolder, int number)
    {
        Directory.CreateDirectory(logFolder);
        var logPath = Path.Combine(logFolder, $"process-{number}.log");
        var log = new StreamWriter(new FileStream(logPath, FileMode.Create, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        var dotnet = Environment.ProcessPath is { } own && Path.GetFileNameWithoutExtension(own) == "dotnet" ? own : "dotnet";
        string[] command = [dotnet, assembly, "worker", "--coordinator", coordinator, "--launcher", launcher, "--lifeline"];

        // A session of its own: Ctrl+C reaches every process of the terminal's group, and the workers must hear of it from the run, not from the terminal.
        command = File.Exists(SetSid) ? [SetSid, .. command] : command;
        var start = new ProcessStartInfo(command[0], command.AsEnumerable().Skip(1))
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            Environment = { [TokenPlaces.TokenVariable] = token },
        };
        return new LaunchedWorker(Process.Start(start)!, logPath, log);
    }

    /// <summary>How it ended, in a sentence; not brief: with what it said last and where its log is.</summary>
    public string DescribeEnd(int exitCode, bool isBrief)
    {
        var how = exitCode > 128 ? $"was killed by signal {exitCode - 128}" : $"ended with exit code {exitCode}";
        if (isBrief)
        {
            return $"The worker process {Pid} {how}.";
        }

        lock (_lock)
        {
            var said = _tail.Count == 0 ? "" : $" It said: {string.Join(" / ", _tail)}";
            return $"The worker process {Pid} {how}.{said} Its log is {LogPath}";
        }
    }

    /// <summary>Calls the log by the id that the coordinator gave the worker. A log of an earlier run in the same folder keeps its name.</summary>
    public void NameLog(string worker)
    {
        var folder = Path.GetDirectoryName(LogPath)!;
        for (var number = 1; ; number++)
        {
            var path = Path.Combine(folder, number == 1 ? $"{worker}.log" : $"{worker}.{number}.log");
            if (path == LogPath)
            {
                return;
            }

            if (!File.Exists(path))
            {
                // The open file goes on under its new name.
                File.Move(LogPath, path);
                LogPath = path;
                return;
            }
        }
    }

    /// <summary>Closes the lifeline, waits a moment, and kills what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        // Longer than a step of a large model takes to notice; it has nothing to save by now.
        await EndAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        _process.Dispose();
    }

    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }

    private async Task EndAsync(TimeSpan patience)
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Its end of the pipe is closed already.
        }

        if (await Task.WhenAny(Ended, Task.Delay(patience)).ConfigureAwait(false) != Ended)
        {
            Kill();
            await Ended.ConfigureAwait(false);
        }
    }

    private async Task<int> WatchAsync(StreamWriter log)
    {
        await Task.WhenAll(CopyAsync(_process.StandardOutput, log), CopyAsync(_process.StandardError, log)).ConfigureAwait(false);
        await _process.WaitForExitAsync().ConfigureAwait(false);
        await log.DisposeAsync().ConfigureAwait(false);
        return _process.ExitCode;
    }

    private async Task CopyAsync(StreamReader from, StreamWriter log)
    {
        while (await from.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (_lock)
            {
                _tail.Enqueue(line.Trim());
                if (_tail.Count > TailLines)
                {
                    _tail.Dequeue();
                }

                try
                {
                    log.WriteLine(line);
                }
                catch (IOException)
                {
                    // A full disk: the worker must not block on its output, so reading goes on.
                }
            }
        }
    }
}
