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
public sealed class PartialSet(ReductionTree tree, FlatBufferPool pool)
{
    private readonly List<Partial> _partials = [];
    private readonly List<(FlatBuffer Left, FlatBuffer Right)> _merges = [];

    /// <summary>From left to right; between Add and Complete, of the nodes that stand when the merges are done.</summary>
    public IReadOnlyList<Partial> Partials => _partials;

    /// <summary>Takes over the buffer of a logical rank, which may still be computed, and plans what it completes.</summary>
    public void Add(int logicalRank, FlatBuffer buffer)
    {
        var index = _partials.Count(partial => partial.Node.First < logicalRank);
        _partials.Insert(index, new Partial(new TreeNode(logicalRank, 1), buffer));
        while (true)
        {
            if (index > 0 && tree.ParentOf(_partials[index - 1].Node, _partials[index].Node) is { } left)
            {
                index--;
                Merge(index, left);
            }
            else if (index + 1 < _partials.Count && tree.ParentOf(_partials[index].Node, _partials[index + 1].Node) is { } right)
            {
                Merge(index, right);
            }
            else
            {
                return;
            }
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

    /// <summary>Returns every buffer to the pool: the step is decided, or it is given up.</summary>
    public void Clear()
    {
        Complete();
        foreach (var partial in _partials)
        {
            pool.Return(partial.Buffer);
        }

        _partials.Clear();
    }

    private void Merge(int index, TreeNode parent)
    {
        _merges.Add((_partials[index].Buffer, _partials[index + 1].Buffer));
        _partials[index] = new Partial(parent, _partials[index].Buffer);
        _partials.RemoveAt(index + 1);
    }
}
