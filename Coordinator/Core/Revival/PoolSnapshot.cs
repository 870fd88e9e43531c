using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;

namespace Orchestrator.Coordinator.Core.Revival;

/// <summary>What of the pool of workers must outlive its coordinator. The workers themselves attach anew.</summary>
/// <param name="Drained">In no order that means anything.</param>
public sealed record PoolSnapshot(ImmutableArray<DrainMark> Drained)
{
    public static readonly PoolSnapshot Empty = new([]);

    public static PoolSnapshot Of(ClusterState state) => new([.. state.Drained.Values]);
}
