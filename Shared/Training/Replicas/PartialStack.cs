using Orchestrator.Core.Reduction;

namespace Orchestrator.Training.Replicas;

/// <summary>The gradient of one node of the reduction tree.</summary>
public sealed record Partial(TreeNode Node, FlatBuffer Buffer);

/// <summary>Merges the gradients of consecutive logical ranks along the reduction tree as they come, as in binary counting.</summary>
/// <remarks>
/// Add the ranks of a worker from left to right; afterwards the stack holds the maximal nodes that they cover, and no more buffers than that were
/// live but one. The merges that a rank completes are known beforehand, so they can be carried out bucket by bucket while it is being computed.
/// </remarks>
public sealed class PartialStack(ReductionTree tree, FlatBufferPool pool)
{
    private readonly List<Partial> _partials = [];
    private readonly List<(FlatBuffer Left, FlatBuffer Right)> _merges = [];

    /// <summary>From left to right; between Add and Complete, of the nodes that stand when the merges are done.</summary>
    public IReadOnlyList<Partial> Partials => _partials;

    /// <summary>Takes over the buffer of a logical rank, which may still be computed, and plans what it completes.</summary>
    public void Add(int logicalRank, FlatBuffer buffer)
    {
        _partials.Add(new Partial(new TreeNode(logicalRank, 1), buffer));
        while (_partials.Count > 1 && tree.ParentOf(_partials[^2].Node, _partials[^1].Node) is { } parent)
        {
            var (left, right) = (_partials[^2].Buffer, _partials[^1].Buffer);
            _merges.Add((left, right));
            _partials.RemoveAt(_partials.Count - 1);
            _partials[^1] = new Partial(parent, left);
        }
    }

    /// <summary>Carries the planned merges out for a range of elements: left + right into left. Without gradient mode.</summary>
    public void Merge(long offset, long count)
    {
        foreach (var (left, right) in _merges)
        {
            using var target = left.Whole.narrow(0, offset, count);
            using var addend = right.Whole.narrow(0, offset, count);
            target.add_(addend);
        }
    }

    /// <summary>All elements are merged: the right buffers go back to the pool.</summary>
    public void Complete()
    {
        _merges.ForEach(merge => pool.Return(merge.Right));
        _merges.Clear();
    }

    /// <summary>Returns every buffer to the pool: all members are known to have applied the step, or it is given up.</summary>
    public void Clear()
    {
        Complete();
        foreach (var partial in _partials)
        {
            pool.Return(partial.Buffer);
        }

        _partials.Clear();
    }
}
