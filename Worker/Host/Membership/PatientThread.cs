using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Runs what nobody waits for yet on a thread of its own, to which the system gives what threads that train leave.</summary>
internal static partial class PatientThread
{
    /// <summary>Of -20 to 19: a tenth of the share of a thread that trains, when both want the same core.</summary>
    private const int Niceness = 10;

    private const int OfAThread = 0;
    private const int TheCaller = 0;

    /// <returns>Ends with the work, and fails as it does. Who awaits it goes on elsewhere, not on the patient thread.</returns>
    public static Task Run(Action work) => Task.Factory.StartNew(
        () =>
        {
            if (OperatingSystem.IsLinux())
            {
                // It cannot be taken back without a privilege, so it is no thread of the pool. If it is refused, the work is done all the same.
                _ = SetPriority(OfAThread, TheCaller, Niceness);
            }

            work();
        },
        CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously, TaskScheduler.Default);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
