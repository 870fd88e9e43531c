using Orchestrator.Core.Reduction;

namespace Orchestrator.Simulation.Workers;

/// <summary>A member's partials as its training thread merges them: buffers come from a small pool and are poisoned when they go back.</summary>
internal sealed class SimPartials(ReductionTree tree)
{
    private readonly Stack<SimBuffer> _pool = new();
    private readonly List<(TreeNode Node, SimBuffer Buffer)> _partials = [];
    private readonly List<(SimBuffer Left, SimBuffer Right)> _merges = [];

    /// <summary>Where each partial is, as it will be when the pass at hand is done.</summary>
    public IReadOnlyDictionary<TreeNode, SimBuffer> Places => _partials.ToDictionary(partial => partial.Node, partial => partial.Buffer);

    public SimBuffer Add(int rank)
    {
        var buffer = _pool.TryPop(out var free) ? free : new SimBuffer();
        var index = _partials.Count(partial => partial.Node.First < rank);
        _partials.Insert(index, (new TreeNode(rank, 1), buffer));
        while (true)
        {
            if (index > 0 && tree.ParentOf(_partials[index - 1].Node, _partials[index].Node) is { } left)
            {
                index--;
                Plan(index, left);
            }
            else if (index + 1 < _partials.Count && tree.ParentOf(_partials[index].Node, _partials[index + 1].Node) is { } right)
            {
                Plan(index, right);
            }
            else
            {
                return buffer;
            }
        }
    }

    public void Merge(int firstBlock, int count)
    {
        foreach (var (left, right) in _merges)
        {
            for (var block = firstBlock; block < firstBlock + count; block++)
            {
                left.Values[block] = SimModel.Add(left.Values[block], right.Values[block]);
            }
        }
    }

    public void Complete()
    {
        _merges.ForEach(merge => Return(merge.Right));
        _merges.Clear();
    }

    public void Clear()
    {
        Complete();
        _partials.ForEach(partial => Return(partial.Buffer));
        _partials.Clear();
    }

    private void Plan(int index, TreeNode parent)
    {
        _merges.Add((_partials[index].Buffer, _partials[index + 1].Buffer));
        _partials[index] = (parent, _partials[index].Buffer);
        _partials.RemoveAt(index + 1);
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
