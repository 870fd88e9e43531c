using System.Diagnostics;
using System.Text.Json;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>A verb that runs while the test goes on: its lines can be waited for, and it can be sent signals.</summary>
internal sealed class RunningCommand : IAsyncDisposable
{
    // The slowest commands here train for under a minute on two busy cores; past this it hangs.
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly string _command;
    private readonly Process _process;
    private readonly LineFeed _output;
    private readonly LineFeed _error;

    public RunningCommand(string command, Process process)
    {
        (_command, _process) = (command, process);
        process.StandardInput.Close();
        (_output, _error) = (new LineFeed(process.StandardOutput), new LineFeed(process.StandardError));
    }

    public int Pid => _process.Id;

    public string Error => _error.Text;

    /// <summary>The first line of standard error with these words.</summary>
    public Task<string> WaitForErrorAsync(string words) => WaitAsync(_error, line => line.Contains(words, StringComparison.Ordinal), words);

    /// <summary>The first line of standard error that fits.</summary>
    public Task<string> WaitForErrorAsync(Func<string, bool> fits, string what) => WaitAsync(_error, fits, what);

    /// <summary>The first line of standard output with these words; with --format jsonl that is the first such event.</summary>
    public Task<string> WaitForOutputAsync(string words) => WaitAsync(_output, line => line.Contains(words, StringComparison.Ordinal), words);

    /// <summary>The first event of that name, of a run with --format jsonl.</summary>
    public async Task<JsonElement> WaitForEventAsync(string name, Func<JsonElement, bool>? fits = null) =>
        JsonDocument.Parse(await WaitAsync(_output, line => IsEvent(line, name, fits), name)).RootElement;

    public void Send(Signal signal) => Signals.Send(Pid, signal);

    public async Task<CommandResult> WaitForEndAsync()
    {
        await InTime(Task.WhenAll(_process.WaitForExitAsync(), _output.Ended, _error.Ended), "it has not ended");
        return new CommandResult(_command, _process.ExitCode, _output.Text, _error.Text);
    }

    /// <summary>Sends SIGTERM and waits, for a process that ends in order.</summary>
    public async Task<CommandResult> EndAsync()
    {
        Send(Signal.Terminate);
        return await WaitForEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task<string> WaitAsync(LineFeed feed, Func<string, bool> fits, string what)
    {
        var found = feed.FindAsync(fits);
        await InTime(found, $"'{what}' has not come");
        return await found ?? throw new InvalidOperationException($"'{what}' never came.\n{Describe()}");
    }

    private async Task InTime(Task task, string problem)
    {
        if (await Task.WhenAny(task, Task.Delay(Limit)) != task)
        {
            throw new TimeoutException($"After {Limit} {problem}.\n{Describe()}");
        }

        await task;
    }

    private string Describe() => $"orchestrator {_command} (pid {Pid})\n--- output\n{_output.Text}\n--- error\n{_error.Text}";

    private static bool IsEvent(string line, string name, Func<JsonElement, bool>? fits) =>
        line.StartsWith('{') && JsonDocument.Parse(line).RootElement is var json && json.TryGetProperty("event", out var @event)
        && @event.GetString() == name && fits?.Invoke(json) != false;
}
