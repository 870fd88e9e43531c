namespace Orchestrator.Coordinator.Host.Api;

/// <summary>A request that cannot be carried out; becomes a <see cref="Problem"/>.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="message">What happened, with which values, and what to do.</param>
internal sealed class ApiException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;
}
