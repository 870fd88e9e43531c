using System.Diagnostics;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>The worker processes that a run has started, found by the launcher's id that stands in their command lines.</summary>
internal static class WorkerProcesses
{
    // `run` gives its workers ten seconds before it kills them; a worker that has lost its launcher needs less.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Those that run now.</summary>
    public static List<int> Of(string runId) =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0])).Select(name => int.Parse(name!)).Where(pid => CommandLine(pid).Contains(runId))];

    /// <summary>`run` leaves no process behind.</summary>
    public static void ExpectNone(string runId) => Assert.True(Of(runId).Count == 0, $"Run {runId} left processes: {string.Join(", ", Of(runId))}.");

    /// <summary>Waits until these processes have ended; they are no children of this one.</summary>
    public static async Task WaitForEndAsync(IEnumerable<int> pids)
    {
        using var patience = new CancellationTokenSource(Patience);
        foreach (var pid in pids)
        {
            try
            {
                using var process = Process.GetProcessById(pid);
                await process.WaitForExitAsync(patience.Token);
            }
            catch (ArgumentException)
            {
                // It has ended already.
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"Process {pid} still runs {Patience.TotalSeconds} s after it should have ended.");
            }
        }
    }

    private static string[] CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return [];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }
}
