using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.Lifecycle;
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

    /// <summary>Changes what the coordinator holds for so.</summary>
    public virtual ClusterState State(ClusterState before, ClusterState after) => after;

    /// <summary>A worker does not say which run its words are about.</summary>
    public virtual bool LeavesRunOut => false;

    /// <summary>Changes what a worker's training thread reports.</summary>
    public virtual WorkerMessage Report(WorkerMessage message) => message;

    /// <summary>Changes what a worker's lifecycle decided.</summary>
    public virtual (WorkerState State, ImmutableArray<WorkerEffect> Effects) Worker(
        WorkerState before, WorkerEvent @event, WorkerState after, ImmutableArray<WorkerEffect> effects) => (after, effects);

    /// <summary>Changes what a new owner finds of the run in the store.</summary>
    public virtual RunSnapshot Stored(RunSnapshot snapshot) => snapshot;

    /// <summary>Changes which runs a new owner takes over, and in which order.</summary>
    public virtual ImmutableArray<RevivedRun> Adopted(ImmutableArray<RevivedRun> runs) => runs;

    /// <summary>Changes what a new owner finds of the pool.</summary>
    public virtual PoolSnapshot AdoptedPool(PoolSnapshot pool) => pool;

    /// <summary>A transaction stores the last run's change only.</summary>
    public virtual bool StoresOneRun => false;

    /// <summary>Orders go out when they are decided.</summary>
    public virtual bool TellsBeforeStored => false;

    /// <summary>The store takes a write of any term.</summary>
    public virtual bool StoreTakesAnyTerm => false;

    /// <summary>A checkpoint is reported when its writing begins.</summary>
    public virtual bool ReportsBeforeCommit => false;

    /// <summary>What a dead writer left is taken for a checkpoint.</summary>
    public virtual bool TrustsTornCheckpoints => false;

    /// <summary>A checkpoint is committed before it is synced.</summary>
    public virtual bool SkipsSync => false;

    /// <summary>A donor writes to what a joiner that it feeds no more may still read.</summary>
    public virtual bool ReusesLentMemory => false;

    private sealed record NoBug() : Bug("none");
}
