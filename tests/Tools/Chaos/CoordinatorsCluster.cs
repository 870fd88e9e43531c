using System.Text.Json;
using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools.Chaos;

/// <summary>Several coordinators on one store and standing workers of this machine.</summary>
/// <param name="folder">For logs.</param>
/// <param name="coordinators">At least 2.</param>
/// <param name="store">Address of a PostgreSQL database.</param>
/// <param name="workers">Processes: as many as the run wishes for, and one more when one is to join.</param>
/// <param name="submit">Arguments of `submit`, without the coordinators' addresses.</param>
internal sealed class CoordinatorsCluster(string folder, int coordinators, string store, int workers, IEnumerable<string> submit) : ICluster
{
    private readonly CoordinatorProcesses _coordinators = new(folder, coordinators, store);
    private StandingWorkers? _workers;

    public CoordinatorProcesses Coordinators => _coordinators;

    public async Task<Task<(int Code, JsonElement? Result)>> StartAsync()
    {
        Directory.CreateDirectory(folder);
        // The programs that are started inherit it.
        Environment.SetEnvironmentVariable("ORCHESTRATOR_TOKEN_FILE", Path.Combine(folder, "tokens"));
        await _coordinators.StartAsync();
        _workers = new StandingWorkers((number, start) => RunProgram.StartLogged(
            [], Path.Combine(folder, $"worker-{number}.{start}.log"), "Orchestrator.Worker", ["worker", "--coordinator", _coordinators.Addresses]));
        _workers.Start(workers);
        return AskAsync(["submit", .. submit]);
    }

    public Task<(int Code, JsonElement? Result)> AskAsync(params string[] command) =>
        RunProgram.RunAsync("Orchestrator.Coordinator", [.. command, "--coordinator", _coordinators.Addresses]);

    public Task SetCutAsync(int pid, bool isCut) =>
        throw new ToolException("These workers share one network; a cut needs workers in network namespaces.", ExitCodes.Failed);

    public async ValueTask DisposeAsync()
    {
        if (_workers is not null)
        {
            await _workers.DisposeAsync();
        }

        await _coordinators.DisposeAsync();
    }
}
