using Orchestrator.Core.Reduction;

namespace Orchestrator.Training.Replicas;

/// <summary>The gradient of one node of the reduction tree.</summary>
public sealed record Partial(TreeNode Node, FlatBuffer Buffer);

/// <summary>Merges the gradients of a worker's logical ranks along the reduction tree as they come.</summary>
/// <remarks>
/// Ranks from left to right merge as in binary counting, and no more buffers than the maximal nodes that they cover are live but one. A rank that is gained later, when its
/// owner has died, may stand anywhere: it merges with its sibling on either side, always left + right. The merges that a rank completes are known beforehand, so
/// they can be carried out bucket by bucket while it is being computed.
/// </remarks>
/// <param name="tree">Over the logical ranks.</param>
/// <param name="pool">Gets buffers back that have been added to others.</param>
/// <param name="roundedFrom">From this element on every leaf and every sum is rounded to bf16; null: all stays fp32.</param>
public sealed class PartialSet(ReductionTree tree, FlatBufferPool pool, long? roundedFrom = null)
{
    private readonly MergingNodes<FlatBuffer> _nodes = new(tree);
    private FlatBuffer? _leaf;

    /// <summary>From left to right; between Add and Complete, of the nodes that stand when the merges are done.</summary>
    public IReadOnlyList<Partial> Partials => [.. _nodes.Nodes.Select(each => new Partial(each.Node, each.Value))];

    /// <summary>Takes over the buffer of a logical rank, which may still be computed, and plans what it completes.</summary>
    public void Add(int logicalRank, FlatBuffer buffer)
    {
        _leaf = buffer;
        _nodes.Add(logicalRank, buffer);
    }

    /// <summary>
    /// The elements of the rank that was added last are final: carries the planned merges out for them, left + right into left. Once for each element, also when there is
    /// nothing to merge. Without gradient mode.
    /// </summary>
    public void Merge(long offset, long count)
    {
        var plain = roundedFrom is { } first ? Math.Clamp(first - offset, 0, count) : count;
        if (plain > 0)
        {
            foreach (var (left, right) in _nodes.Merges)
            {
                NodeSums.Add(left, right, offset, plain);
            }
        }

        if (plain < count && _leaf is { } leaf)
        {
            NodeSums.Round(leaf, offset + plain, count - plain);
            foreach (var (left, right) in _nodes.Merges)
            {
                NodeSums.AddRounded(left, right, offset + plain, count - plain);
            }
        }
    }

    /// <summary>All elements are merged: the right buffers go back to the pool.</summary>
    public void Complete()
    {
        foreach (var (_, right) in _nodes.Merges)
        {
            pool.Return(right);
        }

        _leaf = null;
        _nodes.Complete();
    }

    /// <summary>Returns every buffer to the pool: the step is decided, or it is given up.</summary>
    public void Clear()
    {
        Complete();
        foreach (var (_, buffer) in _nodes.Nodes)
        {
            pool.Return(buffer);
        }

        _nodes.Clear();
    }
}
