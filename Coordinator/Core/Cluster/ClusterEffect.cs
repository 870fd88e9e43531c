using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>What a coordinator wants done. Closed set, carried out in the order of the array.</summary>
public abstract record ClusterEffect
{
    private ClusterEffect() { }

    /// <summary>Bind the stream to the id and say Welcome, before any other message goes to the worker.</summary>
    /// <param name="Connection">Names the stream.</param>
    /// <param name="Worker">From now on.</param>
    /// <param name="RecordedStep">It is a member as before, and its reports up to this step are recorded; null: it serves no run.</param>
    public sealed record Admit(long Connection, WorkerId Worker, long? RecordedStep = null) : ClusterEffect;

    /// <summary>Close the stream with the reason.</summary>
    public sealed record Reject(long Connection, string Reason) : ClusterEffect;

    /// <summary>Close the worker's stream behind what waits to be sent: it may not serve another run.</summary>
    public sealed record Dismiss(WorkerId Worker, string Reason) : ClusterEffect;

    public sealed record ForRun(RunId Run, RunEffect Effect) : ClusterEffect;

    /// <summary>Store what of the pool outlives this coordinator, <see cref="Revival.PoolSnapshot"/>, as it is now. Stands BEFORE what is told because of it.</summary>
    public sealed record StorePool : ClusterEffect;

    /// <summary>What <see cref="ClusterEvent.Asker"/> asked for is done. Stands behind all else that comes of it.</summary>
    public sealed record Answer(long Asker) : ClusterEffect;

    /// <inheritdoc cref="RunEffect.Note"/>
    public sealed record Note(string Sentence) : ClusterEffect;
}
