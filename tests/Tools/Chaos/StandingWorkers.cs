using System.Collections.Concurrent;
using System.Diagnostics;

namespace Orchestrator.Tools.Chaos;

/// <summary>Worker processes that are started again when they end, as a service manager does. Disposal ends them.</summary>
/// <param name="start">Starts one: its number, from 0, and which start of it this is, from 1.</param>
internal sealed class StandingWorkers(Func<int, int, Process> start) : IAsyncDisposable
{
    private static readonly TimeSpan Restart = TimeSpan.FromSeconds(0.5);

    private readonly ConcurrentDictionary<int, int> _numbers = [];
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _kept = [];

    /// <summary>Called once.</summary>
    public void Start(int count) => _kept.AddRange(Enumerable.Range(0, count).Select(KeepAsync));

    /// <summary>The number of the worker that a process is or was.</summary>
    /// <exception cref="ToolException">It is none of these.</exception>
    public int NumberOf(int pid) => _numbers.TryGetValue(pid, out var number) ? number
        : throw new ToolException($"Process {pid} is none of the {_numbers.Count} worker processes that were started: {string.Join(", ", _numbers.Keys.Order())}.");

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_kept);
        _end.Dispose();
    }

    private async Task KeepAsync(int number)
    {
        for (var starts = 1; !_end.IsCancellationRequested; starts++)
        {
            using var worker = start(number, starts);
            _numbers[worker.Id] = number;
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
