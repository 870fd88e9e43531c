namespace Orchestrator.Simulation.Workers;

/// <summary>The reduced gradients that a member holds, in memory of its own and in a donor's, with the life that the real ones have.</summary>
internal sealed class SimReduced
{
    private readonly List<Slot> _slots = [];
    private long _oldest;

    /// <summary>Those in memory of its own.</summary>
    public int Count => _slots.Count(slot => slot.Returned is null);

    /// <summary>The step's buffer to write to, which is never a donor's.</summary>
    public SimBuffer For(long step)
    {
        if (_slots.Find(slot => slot.Step == step) is { } known)
        {
            if (known.Returned is null)
            {
                return known.Buffer;
            }

            Drop(known);
        }

        var free = _slots.Find(slot => IsFree(slot) && slot.Returned is null);
        if (free is null)
        {
            _slots.Add(free = new Slot(new SimBuffer(), null));
        }

        free.Buffer.Clear();
        free.Step = step;
        return free.Buffer;
    }

    public void KeepFrom(long step)
    {
        _oldest = step;
        _slots.Where(slot => IsFree(slot) && (slot.IsAbandoned || slot.Returned is not null)).ToList().ForEach(Drop);
    }

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

    /// <summary>As <see cref="Release"/>; who was given it may read on, so nothing is written there any more.</summary>
    public void Abandon(long step)
    {
        if (_slots.Find(each => each.Step == step) is { Users: > 0 } slot)
        {
            slot.Users--;
            slot.IsAbandoned = true;
            if (IsFree(slot))
            {
                Drop(slot);
            }
        }
    }

    /// <summary>A step's gradient that lies in a donor's memory.</summary>
    /// <param name="step">The step.</param>
    /// <param name="buffer">The donor's.</param>
    /// <param name="returned">Called when it is read here no more.</param>
    public void Lend(long step, SimBuffer buffer, Action returned)
    {
        var known = _slots.Find(slot => slot.Step == step);
        if (known is { Users: > 0 })
        {
            returned();
            return;
        }

        if (known is { Returned: null })
        {
            known.Step = -1;
        }
        else if (known is not null)
        {
            Drop(known);
        }

        _slots.Add(new Slot(buffer, returned) { Step = step });
    }

    /// <summary>Nothing is read any more.</summary>
    public void Dispose() => _slots.ToList().ForEach(Drop);

    private bool IsFree(Slot slot) => slot.Users == 0 && slot.Step < _oldest;

    private void Drop(Slot slot)
    {
        _slots.Remove(slot);
        slot.Returned?.Invoke();
    }

    private sealed class Slot(SimBuffer buffer, Action? returned)
    {
        public SimBuffer Buffer => buffer;

        /// <summary>Not null: the memory is a donor's.</summary>
        public Action? Returned => returned;

        public long Step { get; set; } = -1;

        public int Users { get; set; }

        public bool IsAbandoned { get; set; }
    }
}
