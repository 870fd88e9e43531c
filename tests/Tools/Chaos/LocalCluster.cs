using System.Text.Json;
using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools.Chaos;

/// <summary>`run`: an embedded coordinator and worker processes of this machine, which it starts again when they end.</summary>
/// <param name="runDir">The run's folder.</param>
/// <param name="arguments">The verb and its options.</param>
internal sealed class LocalCluster(string runDir, IEnumerable<string> arguments) : ICluster
{
    private readonly CancellationTokenSource _end = new();
    private Task<(int Code, JsonElement? Result)>? _run;

    public Task<Task<(int Code, JsonElement? Result)>> StartAsync() => Task.FromResult(_run = RunProgram.RunAsync([], "Orchestrator.Coordinator", arguments, _end.Token));

    public Task<(int Code, JsonElement? Result)> AskAsync(params string[] command) =>
        RunProgram.RunAsync("Orchestrator.Coordinator", [.. command, "--coordinator", runDir]);

    public Task SetCutAsync(int pid, bool isCut) =>
        throw new ToolException("The workers of `run` share one network; a cut needs workers in network namespaces.", ExitCodes.Failed);

    public async ValueTask DisposeAsync()
    {
        // Whoever fails in the middle leaves no run behind.
        await _end.CancelAsync();
        if (_run is not null)
        {
            await ((Task)_run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _end.Dispose();
    }
}
