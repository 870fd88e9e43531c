using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools;

/// <summary>SIGINT and SIGTERM: what a verb has started ends before the verb does. One for the program.</summary>
internal static class Interruption
{
    private static readonly CancellationTokenSource s_source = new();

    /// <summary>Cancelled by the first signal.</summary>
    public static CancellationToken Token => s_source.Token;

    /// <summary>The exit code that names the signal; null: none came.</summary>
    public static int? ExitCode { get; private set; }

    /// <summary>Hears signals until it is disposed. For verbs whose every wait ends with <see cref="Token"/> or with what they have started.</summary>
    public static IDisposable Hear() => new Registrations(
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Signalled(context, ExitCodes.Interrupted)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Signalled(context, ExitCodes.Terminated)));

    private static void Signalled(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true;
        ExitCode ??= exitCode;
        s_source.Cancel();
    }

    private sealed record Registrations(PosixSignalRegistration First, PosixSignalRegistration Second) : IDisposable
    {
        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
        }
    }
}
