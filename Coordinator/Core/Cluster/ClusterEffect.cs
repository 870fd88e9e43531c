using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>What a coordinator wants done. Closed set, carried out in the order of the array.</summary>
public abstract record ClusterEffect
{
    private ClusterEffect() { }

    /// <summary>Bind the stream to the id and say Welcome, before any other message goes to the worker.</summary>
    public sealed record Admit(long Connection, WorkerId Worker) : ClusterEffect;

    /// <summary>Close the stream with the reason.</summary>
    public sealed record Reject(long Connection, string Reason) : ClusterEffect;

    public sealed record ForRun(RunId Run, RunEffect Effect) : ClusterEffect;

    /// <inheritdoc cref="RunEffect.Note"/>
    public sealed record Note(string Sentence) : ClusterEffect;
}
