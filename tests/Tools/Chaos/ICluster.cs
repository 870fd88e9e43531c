using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Where a run under faults lives. Disposal ends every process of it.</summary>
internal interface ICluster : IAsyncDisposable
{
    /// <summary>Starts what the run needs and the run itself.</summary>
    /// <returns>The run's end: the exit code and the result.</returns>
    Task<Task<(int Code, JsonElement? Result)>> StartAsync();

    /// <summary>Asks the run's coordinator.</summary>
    /// <param name="command">A verb and its arguments, without the coordinator's address.</param>
    /// <returns>The exit code and the object on the last line; null when there is none.</returns>
    Task<(int Code, JsonElement? Result)> AskAsync(params string[] command);

    /// <summary>Cuts the network of a process's host, or mends it. Processes go on and hear nothing of the others.</summary>
    /// <exception cref="ToolException">There is no network to cut, or the system refused.</exception>
    Task SetCutAsync(int pid, bool isCut);

    /// <summary>Those who can own the runs; null: there is one coordinator, and it is not hit.</summary>
    CoordinatorProcesses? Coordinators => null;
}
