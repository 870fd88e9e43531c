using System.Runtime.InteropServices;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>Signals by their numbers on Linux.</summary>
internal enum Signal
{
    /// <summary>Ctrl+C.</summary>
    Interrupt = 2,

    Kill = 9,

    Terminate = 15,

    /// <summary>Goes on after <see cref="Stop"/>.</summary>
    Continue = 18,

    /// <summary>Freezes: nothing of the process runs, and its connections stay open.</summary>
    Stop = 19,
}

/// <summary>Sends signals to processes, also to those that are no children of this one.</summary>
internal static partial class Signals
{
    public static void Send(int pid, Signal signal)
    {
        // 0 and -1 mean whole groups of processes.
        ArgumentOutOfRangeException.ThrowIfLessThan(pid, 2);
        if (Kill(pid, (int)signal) != 0)
        {
            throw new InvalidOperationException($"Signal {signal} could not be sent to pid {pid} (errno {Marshal.GetLastPInvokeError()}).");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
