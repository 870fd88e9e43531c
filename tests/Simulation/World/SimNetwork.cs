namespace Orchestrator.Simulation.World;

/// <summary>Streams between processes: in order, late, cut off by death, stalled by partitions.</summary>
/// <remarks>As over TCP and HTTP/2 nothing is lost, doubled or reordered within a stream; what is lost is a stream's end, and streams among each other keep no order.</remarks>
public sealed class SimNetwork(SimClock clock, Random random)
{
    /// <summary>A stream between workers breaks when nothing was acknowledged for this long: a second until something is under way, three retransmissions, and a moment.</summary>
    private const long LinkMicros = 3_200_000;

    /// <summary>A stream to a coordinator breaks when nobody answers its ping for this long.</summary>
    private const long ControlMicros = 10_000_000;

    private const string ControlKeys = "control";

    private readonly HashSet<(SimProcess From, SimProcess To)> _cuts = [];
    private readonly List<SimStream> _streams = [];

    /// <summary>The usual time of a message, microseconds; faults raise it.</summary>
    public long LatencyMicros { get; set; } = 200;

    /// <summary>Feeds that begin until then neither move nor break: their donor hangs.</summary>
    public long FeedsHangUntil { get; set; }

    /// <summary>Until then a third of the messages of streams that may double come twice. Nothing doubles within a stream of TCP; a machine that takes a message
    /// twice must not mind all the same.</summary>
    public long DoublesUntil { get; set; }

    public SimClock Clock => clock;

    internal bool IsDoubled() => clock.Micros < DoublesUntil && random.Next(3) == 0;

    public long Latency() => (LatencyMicros / 2) + random.NextInt64(LatencyMicros);

    /// <param name="from">Who sends.</param>
    /// <param name="to">Who takes; null: nobody listens there.</param>
    /// <param name="key">Finds the receiver at the other end.</param>
    /// <param name="lost">Told once why the stream broke, at the sender.</param>
    public SimStream Open(SimProcess from, ISimEndpoint? to, string key, Action<string> lost)
    {
        var stream = new SimStream(this, from, to, key, lost) { IsHanging = clock.Micros < FeedsHangUntil && key.StartsWith("feed/", StringComparison.Ordinal) };
        _streams.RemoveAll(each => each.IsOver);
        _streams.Add(stream);
        if (to is null || to.Process.IsDead)
        {
            stream.Break("nobody listens there");
        }
        else if (IsCut(from, to.Process) || IsCut(to.Process, from))
        {
            BreakLater(stream);
        }

        return stream;
    }

    public bool IsCut(SimProcess from, SimProcess to) => _cuts.Contains((from, to));

    /// <summary>Nothing comes through in one direction until it is healed; streams in it, and those of the other way whose answers are lost, break in the end.</summary>
    public void Cut(SimProcess from, SimProcess to)
    {
        _cuts.Add((from, to));
        foreach (var stream in _streams.Where(each => each.Joins(from, to)).ToList())
        {
            BreakLater(stream);
        }
    }

    private void BreakLater(SimStream stream) => clock.After(stream.Key.StartsWith(ControlKeys, StringComparison.Ordinal) ? ControlMicros : LinkMicros, () =>
    {
        if (IsCut(stream.From, stream.To!.Process) || IsCut(stream.To.Process, stream.From))
        {
            stream.Break("nothing gets through");
        }
    });

    public void Heal(SimProcess from, SimProcess to)
    {
        if (_cuts.Remove((from, to)))
        {
            foreach (var stream in _streams.Where(each => each.From == from && each.To?.Process == to).ToList())
            {
                stream.Flush();
            }
        }
    }

    public void Died(SimProcess process)
    {
        foreach (var stream in _streams.Where(each => each.From == process || each.To?.Process == process).ToList())
        {
            // What is under way may still come in, up to a random moment.
            clock.After(random.NextInt64(2 * LatencyMicros), () => stream.Break("the process died"));
        }
    }

    /// <summary>A receiver stands behind the key now: what waited for it comes.</summary>
    public void Opened(ISimEndpoint to, string key)
    {
        foreach (var stream in _streams.Where(each => each.To == to && each.Key == key).ToList())
        {
            stream.Flush();
        }
    }

    /// <summary>The receiver behind a key is closed: its streams break.</summary>
    public void Close(ISimEndpoint to, string key, string reason)
    {
        foreach (var stream in _streams.Where(each => each.To == to && each.Key == key).ToList())
        {
            stream.Break(reason);
        }
    }
}

/// <summary>Where streams arrive.</summary>
public interface ISimEndpoint
{
    SimProcess Process { get; }

    /// <summary>Takes a message, or says that nobody is there yet (it waits) or any more (the stream breaks).</summary>
    SimTaking Take(string key, object message, out string? objection);

    /// <summary>The last word of a stream.</summary>
    /// <param name="key">The stream's.</param>
    /// <param name="from">Its sender.</param>
    /// <param name="reason">Null: it ended in order.</param>
    void Ended(string key, SimProcess from, string? reason);
}

public enum SimTaking
{
    Taken,
    NotYet,
    Refused,
}
