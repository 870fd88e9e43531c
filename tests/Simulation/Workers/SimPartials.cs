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

/// <summary>The reduced gradients that a member holds, with the life that the real ones have.</summary>
internal sealed class SimReduced
{
    private readonly List<Slot> _slots = [];
    private long _oldest;

    public int Count => _slots.Count;

    public SimBuffer For(long step)
    {
        if (_slots.Find(slot => slot.Step == step) is { } known)
        {
            return known.Buffer;
        }

        var free = _slots.Find(slot => slot.Users == 0 && slot.Step < _oldest);
        if (free is null)
        {
            _slots.Add(free = new Slot());
        }

        free.Buffer.Clear();
        free.Step = step;
        return free.Buffer;
    }

    public void KeepFrom(long step) => _oldest = step;

    public SimBuffer Use(long step)
    {
        var slot = _slots.Find(each => each.Step == step) ?? throw new SimViolationException($"the reduced gradient of step {step} is not held any more");
        slot.Users++;
        return slot.Buffer;
    }

    public void Release(long step)
    {
        if (_slots.Find(each => each.Step == step) is { Users: > 0 } slot)
        {
            slot.Users--;
        }
    }

    private sealed class Slot
    {
        public SimBuffer Buffer { get; } = new();

        public long Step { get; set; } = -1;

        public int Users { get; set; }
    }
}

/// <summary>A promise was broken.</summary>
public sealed class SimViolationException(string message) : Exception(message);
