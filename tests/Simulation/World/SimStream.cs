namespace Orchestrator.Simulation.World;

/// <summary>One direction between two processes, in order.</summary>
public sealed class SimStream
{
    private readonly SimNetwork _network;
    private readonly Action<string> _lost;
    private readonly Queue<object> _held = new();
    private long _last;
    private bool _isDisposed;

    internal SimStream(SimNetwork network, SimProcess from, ISimEndpoint? to, string key, Action<string> lost) =>
        (_network, From, To, Key, _lost) = (network, from, to, key, lost);

    public SimProcess From { get; }

    public ISimEndpoint? To { get; }

    public string Key { get; }

    public bool IsOver { get; private set; }

    /// <summary>Nothing of it ever comes through.</summary>
    public bool IsHanging { get; init; }

    /// <summary>What is sent from now on may come twice.</summary>
    public bool MayDouble { get; set; }

    public bool Joins(SimProcess one, SimProcess other) => (From == one && To?.Process == other) || (From == other && To?.Process == one);

    public void Send(object message)
    {
        if (!IsOver)
        {
            _last = Math.Max(_last + 1, _network.Clock.Micros + _network.Latency());
            _network.Clock.At(_last, () => Arrive(message));
            if (MayDouble && message is not End && _network.IsDoubled())
            {
                _network.Clock.At(++_last, () => Arrive(message));
            }
        }
    }

    /// <summary>Ends the stream in order behind what was sent.</summary>
    public void Complete() => Send(End.Instance);

    /// <summary>Cuts the stream from the sender's side; it is told nothing more.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        Break("the sender closed it");
    }

    public void Break(string reason)
    {
        if (IsOver)
        {
            return;
        }

        IsOver = true;
        _network.Clock.After(_network.Latency(), () => From.Happen(() =>
        {
            if (!_isDisposed)
            {
                _lost(reason);
            }
        }));
        if (To is { } to)
        {
            _network.Clock.After(_network.Latency(), () => to.Process.Happen(() => to.Ended(Key, From, reason)));
        }
    }

    /// <summary>What was held goes on: the way is free again, or the receiver is there.</summary>
    public void Flush()
    {
        for (var count = _held.Count; count > 0 && !IsOver; count--)
        {
            To!.Process.Happen(() => DeliverHeld());
        }
    }

    private void Arrive(object message)
    {
        if (!IsOver)
        {
            _held.Enqueue(message);
            To!.Process.Happen(DeliverHeld);
        }
    }

    private void DeliverHeld()
    {
        while (!IsOver && !IsHanging && _held.TryPeek(out var message) && !_network.IsCut(From, To!.Process))
        {
            if (message is End)
            {
                IsOver = true;
                To.Ended(Key, From, null);
                return;
            }

            switch (To.Take(Key, message, out var objection))
            {
                case SimTaking.NotYet:
                    return;
                case SimTaking.Refused:
                    Break(objection!);
                    return;
                default:
                    _held.TryDequeue(out _);
                    break;
            }
        }
    }

    private sealed class End
    {
        public static readonly End Instance = new();
    }
}
