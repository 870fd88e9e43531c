namespace Orchestrator.Simulation.World;

/// <summary>A process that may be frozen, when all that happens to it waits, and killed, when nothing happens to it any more.</summary>
public abstract class SimProcess(SimClock clock, string name)
{
    private readonly Queue<Action> _deferred = new();

    public string Name => name;

    public bool IsDead { get; private set; }

    public bool IsFrozen { get; private set; }

    /// <summary>Something within the process, after a while.</summary>
    public void After(long micros, Action action) => clock.After(micros, () => Happen(action));

    /// <summary>Something that comes to the process now.</summary>
    public void Happen(Action action)
    {
        if (IsDead)
        {
            return;
        }

        if (IsFrozen)
        {
            _deferred.Enqueue(action);
        }
        else
        {
            action();
        }
    }

    public void Freeze() => IsFrozen = true;

    public void Thaw()
    {
        IsFrozen = false;
        while (!IsFrozen && !IsDead && _deferred.TryDequeue(out var action))
        {
            action();
        }
    }

    public void Die()
    {
        if (!IsDead)
        {
            IsDead = true;
            _deferred.Clear();
            Died();
        }
    }

    /// <summary>The system closes what the process had open.</summary>
    protected abstract void Died();
}
