using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Several coordinators on one store and standing workers of this machine. A worker that ends is started again, as a service manager does.</summary>
/// <param name="folder">For logs.</param>
/// <param name="coordinators">At least 2.</param>
/// <param name="store">Address of a PostgreSQL database.</param>
/// <param name="workers">Processes: as many as the run wishes for, and one more when one is to join.</param>
/// <param name="submit">Arguments of `submit`, without the coordinators' addresses.</param>
internal sealed class CoordinatorsCluster(string folder, int coordinators, string store, int workers, IEnumerable<string> submit) : ICluster
{
    private static readonly TimeSpan Restart = TimeSpan.FromSeconds(0.5);

    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _workers = [];
    private readonly CoordinatorProcesses _coordinators = new(folder, coordinators, store);

    public CoordinatorProcesses Coordinators => _coordinators;

    public async Task<Task<(int Code, JsonElement? Result)>> StartAsync()
    {
        Directory.CreateDirectory(folder);
        // The programs that are started inherit it.
        Environment.SetEnvironmentVariable("ORCHESTRATOR_TOKEN_FILE", Path.Combine(folder, "tokens"));
        await _coordinators.StartAsync();
        for (var worker = 0; worker < workers; worker++)
        {
            _workers.Add(KeepAsync(worker));
        }

        return AskAsync(["submit", .. submit]);
    }

    public Task<(int Code, JsonElement? Result)> AskAsync(params string[] command) =>
        RunProgram.RunAsync("Orchestrator.Coordinator", [.. command, "--coordinator", _coordinators.Addresses]);

    public Task SetCutAsync(int pid, bool isCut) =>
        throw new ToolException("These workers share one network; a cut needs workers in network namespaces.", Orchestrator.Coordinator.Host.ExitCodes.Failed);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_workers);
        await _coordinators.DisposeAsync();
        _end.Dispose();
    }

    private async Task KeepAsync(int number)
    {
        for (var start = 1; !_end.IsCancellationRequested; start++)
        {
            using var worker = RunProgram.StartLogged([], Path.Combine(folder, $"worker-{number}.{start}.log"), "Orchestrator.Worker", ["worker", "--coordinator", _coordinators.Addresses]);
            try
            {
                await worker.WaitForExitAsync(_end.Token);
                await Task.Delay(Restart, _end.Token);
            }
            catch (OperationCanceledException)
            {
                await RunProgram.StopAsync(worker);
            }
        }
    }
}
