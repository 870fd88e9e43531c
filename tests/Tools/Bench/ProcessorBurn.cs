using System.Diagnostics;

namespace Orchestrator.Tools.Bench;

/// <summary>The control of a measurement beside which this process works: it burns as much of the processor, and does nothing with it.</summary>
internal static class ProcessorBurn
{
    /// <summary>Burnt at once: about what answering or asking takes. Longer ones would hold up a step of a millisecond more than what they stand for.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(0.1);

    /// <summary>Burns a share of one core, or of several when it is above 1: of processor time, whoever else wants it.</summary>
    public static async Task RunAsync(double share, TimeSpan time)
    {
        var (clock, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        await Task.WhenAll(Enumerable.Range(0, Math.Max(1, (int)Math.Ceiling(share))).Select(_ => Task.Factory.StartNew(
            () =>
            {
                while (clock.Elapsed < time)
                {
                    var owed = (clock.Elapsed * share) - (Environment.CpuUsage.TotalTime - before);
                    if (owed <= TimeSpan.Zero)
                    {
                        Thread.Sleep(1);
                        continue;
                    }

                    for (var until = clock.Elapsed + Slice; clock.Elapsed < until;)
                    {
                    }
                }
            },
            TaskCreationOptions.LongRunning)));
    }
}
