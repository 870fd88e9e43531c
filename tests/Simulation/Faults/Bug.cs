using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Simulation.Faults;

/// <summary>One line of the product made wrong on purpose: what a machine decided is changed before it takes effect.</summary>
public abstract record Bug(string Name)
{
    public static readonly Bug None = new NoBug();

    /// <summary>Changes what a member decided.</summary>
    public virtual (MemberState State, ImmutableArray<MemberEffect> Effects) Member(
        MemberState before, MemberEvent @event, MemberState after, ImmutableArray<MemberEffect> effects) => (after, effects);

    /// <summary>Changes what the coordinator decided.</summary>
    public virtual ImmutableArray<ClusterEffect> Cluster(ClusterState before, ClusterEvent @event, ClusterState after, ImmutableArray<ClusterEffect> effects) => effects;

    /// <summary>Changes what a worker's training thread reports.</summary>
    public virtual WorkerMessage Report(WorkerMessage message) => message;

    /// <summary>A checkpoint is reported when its writing begins.</summary>
    public virtual bool ReportsBeforeCommit => false;

    /// <summary>What a dead writer left is taken for a checkpoint.</summary>
    public virtual bool TrustsTornCheckpoints => false;

    /// <summary>A checkpoint is committed before it is synced.</summary>
    public virtual bool SkipsSync => false;

    private sealed record NoBug() : Bug("none");
}
