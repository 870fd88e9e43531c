using System.Runtime.InteropServices;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Copies a file beside its destination and renames it when it is whole; an export that is cut short leaves nothing behind.</summary>
internal static class WeightsExport
{
    public const string PartialSuffix = ".partial";

    /// <summary>Large enough that a disk is kept busy, small enough that Ctrl+C is obeyed at once.</summary>
    private const int BlockBytes = 1 << 20;

    /// <summary>Copies, and obeys Ctrl+C and SIGTERM meanwhile.</summary>
    /// <param name="source">Path of the file.</param>
    /// <param name="destination">Absolute path that does not exist.</param>
    /// <exception cref="UsageException">A signal came; it has the signal's exit code.</exception>
    public static void Copy(string source, string destination)
    {
        using var stop = new CancellationTokenSource();
        var exitCode = ExitCodes.Done;
        void Signalled(PosixSignalContext context)
        {
            context.Cancel = true;
            exitCode = context.Signal == PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated;
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Signalled);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Signalled);
        using var from = File.OpenRead(source);
        try
        {
            Copy(from, destination, stop.Token);
        }
        catch (OperationCanceledException)
        {
            throw new UsageException($"Interrupted: {destination} was not written{Left(destination + PartialSuffix)}.", exitCode);
        }
    }

    /// <exception cref="OperationCanceledException">It was told to stop; what it had written is removed.</exception>
    /// <exception cref="IOException">It cannot be read or written; what it had written is removed, or named in the message.</exception>
    internal static void Copy(Stream source, string destination, CancellationToken cancellation)
    {
        var partial = destination + PartialSuffix;
        try
        {
            // What a killed export has left is written over.
            using (var target = File.Create(partial))
            {
                var block = new byte[BlockBytes];
                while (source.Read(block) is var count and > 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                    target.Write(block, 0, count);
                }

                cancellation.ThrowIfCancellationRequested();
                target.Flush(flushToDisk: true);
            }

            File.Move(partial, destination);
        }
        catch (Exception error)
        {
            Remove(partial);
            if (error is IOException && Left(partial) is { Length: > 0 } left)
            {
                throw new IOException($"{error.Message.TrimEnd('.')}{left}.", error);
            }

            throw;
        }
    }

    private static void Remove(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The person is told that it is there.
        }
    }

    /// <summary>Words that follow a sentence; empty when nothing is left.</summary>
    private static string Left(string partial) => File.Exists(partial) ? $"; {partial} is left, delete it" : "";
}
