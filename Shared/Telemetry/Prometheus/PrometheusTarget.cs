using System.Collections.Immutable;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>One address for Prometheus to scrape, and the labels that it puts on everything it finds there.</summary>
/// <param name="Address">host:port of a server of /metrics, as Prometheus reaches it.</param>
public sealed record PrometheusTarget(string Address, ImmutableSortedDictionary<string, string> Labels)
{
    public const string RoleLabel = "role";
    public const string WorkerLabel = "worker";

    /// <summary>A worker: its id and, while it serves one, its run become labels of all its series.</summary>
    /// <param name="runId">Null or empty: idle.</param>
    public static PrometheusTarget Worker(string address, string workerId, string? runId)
    {
        var labels = ImmutableSortedDictionary<string, string>.Empty.Add(RoleLabel, "worker").Add(WorkerLabel, workerId);
        return new PrometheusTarget(address, string.IsNullOrEmpty(runId) ? labels : labels.Add(InstrumentNames.RunTag, runId));
    }
}
