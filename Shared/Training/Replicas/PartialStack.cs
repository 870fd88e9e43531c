using Orchestrator.Core.Reduction;

namespace Orchestrator.Training.Replicas;

/// <summary>The gradient of one node of the reduction tree.</summary>
public sealed record Partial(TreeNode Node, FlatBuffer Buffer);

/// <summary>Merges the gradients of consecutive logical ranks along the reduction tree as they come, as in binary counting.</summary>
/// <remarks>Push the ranks of a worker from left to right; afterwards the stack holds the maximal nodes that they cover, and no more buffers than that were live but one.</remarks>
public sealed class PartialStack(ReductionTree tree, FlatBufferPool pool)
{
    private readonly List<Partial> _partials = [];

    /// <summary>From left to right.</summary>
    public IReadOnlyList<Partial> Partials => _partials;

    /// <summary>Takes over the buffer of a logical rank and merges what became complete: left + right into left, the right one goes back to the pool.</summary>
    public void Push(int logicalRank, FlatBuffer buffer)
    {
        _partials.Add(new Partial(new TreeNode(logicalRank, 1), buffer));
        while (_partials.Count > 1 && tree.ParentOf(_partials[^2].Node, _partials[^1].Node) is { } parent)
        {
            var (left, right) = (_partials[^2], _partials[^1]);
            left.Buffer.Whole.add_(right.Buffer.Whole);
            pool.Return(right.Buffer);
            _partials.RemoveAt(_partials.Count - 1);
            _partials[^1] = new Partial(parent, left.Buffer);
        }
    }

    /// <summary>Returns every buffer to the pool: all members are known to have applied the step, or it is given up.</summary>
    public void Clear()
    {
        foreach (var partial in _partials)
        {
            pool.Return(partial.Buffer);
        }

        _partials.Clear();
    }
}
