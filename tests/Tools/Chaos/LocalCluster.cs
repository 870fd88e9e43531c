using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>`run`: an embedded coordinator and worker processes of this machine, which it starts again when they end.</summary>
/// <param name="runDir">The run's folder.</param>
/// <param name="arguments">Of `run`.</param>
internal sealed class LocalCluster(string runDir, IEnumerable<string> arguments) : ICluster
{
    public Task<Task<(int Code, JsonElement? Result)>> StartAsync() => Task.FromResult(RunProgram.RunAsync("Orchestrator.Coordinator", arguments));

    public Task<(int Code, JsonElement? Result)> AskAsync(params string[] command) =>
        RunProgram.RunAsync("Orchestrator.Coordinator", [.. command, "--coordinator", runDir]);

    public Task SetCutAsync(int pid, bool isCut) =>
        throw new ToolException("The workers of `run` share one network; a cut needs workers in network namespaces.", Orchestrator.Coordinator.Host.ExitCodes.Failed);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
