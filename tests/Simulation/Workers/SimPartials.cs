using Orchestrator.Core.Reduction;

namespace Orchestrator.Simulation.Workers;

/// <summary>A member's partials as its training thread merges them: buffers come from a small pool and are poisoned when they go back.</summary>
internal sealed class SimPartials(ReductionTree tree)
{
    private readonly Stack<SimBuffer> _pool = new();
    private readonly MergingNodes<SimBuffer> _nodes = new(tree);

    /// <summary>Where each partial is, as it will be when the pass at hand is done.</summary>
    public IReadOnlyDictionary<TreeNode, SimBuffer> Places => _nodes.Nodes.ToDictionary(each => each.Node, each => each.Value);

    public SimBuffer Add(int rank)
    {
        var buffer = _pool.TryPop(out var free) ? free : new SimBuffer();
        _nodes.Add(rank, buffer);
        return buffer;
    }

    public void Merge(int firstBlock, int count)
    {
        foreach (var (left, right) in _nodes.Merges)
        {
            for (var block = firstBlock; block < firstBlock + count; block++)
            {
                left.Values[block] = SimModel.Add(left.Values[block], right.Values[block]);
            }
        }
    }

    public void Complete()
    {
        foreach (var (_, right) in _nodes.Merges)
        {
            Return(right);
        }

        _nodes.Complete();
    }

    public void Clear()
    {
        Complete();
        foreach (var (_, buffer) in _nodes.Nodes)
        {
            Return(buffer);
        }

        _nodes.Clear();
    }

    private void Return(SimBuffer buffer)
    {
        buffer.Clear();
        _pool.Push(buffer);
    }
}

/// <summary>A promise was broken.</summary>
public sealed class SimViolationException(string message) : Exception(message);
