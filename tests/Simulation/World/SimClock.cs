namespace Orchestrator.Simulation.World;

/// <summary>Virtual time: actions in the order of their time, and of their scheduling when it is the same.</summary>
public sealed class SimClock
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Action, (long Time, long Number)> _queue = new();
    private long _number;

    /// <summary>Microseconds since the beginning.</summary>
    public long Micros { get; private set; }

    /// <summary>Actions that were run.</summary>
    public long Count { get; private set; }

    /// <summary>What a coordinator's clock shows, without its jumps.</summary>
    public DateTimeOffset Now => Start + TimeSpan.FromMicroseconds(Micros);

    public void After(long micros, Action action) => At(Micros + micros, action);

    public void At(long micros, Action action) => _queue.Enqueue(action, (Math.Max(Micros, micros), _number++));

    /// <summary>Runs the next action; false: there is none.</summary>
    public bool Step()
    {
        if (!_queue.TryDequeue(out var action, out var at))
        {
            return false;
        }

        Micros = at.Time;
        Count++;
        action();
        return true;
    }
}
