namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>What was typed cannot be carried out; the message says what to type instead.</summary>
/// <param name="message">One sentence or more.</param>
/// <param name="exitCode">One of <see cref="ExitCodes"/>.</param>
internal sealed class UsageException(string message, int exitCode = ExitCodes.Usage) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
