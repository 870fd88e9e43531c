namespace Orchestrator.Tools.Chaos;

/// <summary>What a chaos run does to the processes of a run.</summary>
public enum FaultKind
{
    Unspecified = 0,

    /// <summary>SIGKILL to a member.</summary>
    Kill = 1,

    /// <summary>SIGSTOP to a member, and SIGCONT after a while: every second time later than the detector.</summary>
    Freeze = 2,

    /// <summary>SIGTERM to a member: it leaves behind a step.</summary>
    Term = 3,

    /// <summary>One more worker is asked for, and given back at the next turn.</summary>
    Join = 4,

    /// <summary>The network of a member's host is cut and mended after a while: every second time later than the detector.</summary>
    Cut = 5,

    /// <summary>The disk of the checkpoints is full for a while.</summary>
    Disk = 6,

    /// <summary>The coordinator that owns the runs: every second time SIGKILL, and it is started again to stand by; else SIGSTOP, and SIGCONT when its lease is another's.</summary>
    Coordinator = 7,
}

/// <summary>One fault of the plan.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Victim">Drawn in [0, 1): which of the members that are there then.</param>
/// <param name="Lasting">How long a freeze, a cut or a full disk lasts; zero for the others, and for a coordinator that is killed.</param>
public readonly record struct PlannedFault(FaultKind Kind, double Victim, TimeSpan Lasting);

/// <summary>The faults of a seed: kinds come in turn, each round in an order of its own.</summary>
public sealed class ChaosPlan(int seed, IReadOnlyList<FaultKind> kinds)
{
    /// <summary>A freeze or a cut is seen within this.</summary>
    public static readonly TimeSpan Detector = TimeSpan.FromSeconds(3);

    /// <summary>Shorter than any patience: the others only wait.</summary>
    private static readonly (double Least, double Most) ShortSeconds = (0.2, 0.9);

    /// <summary>Longer than the detector's three seconds: the worker is given up and comes back as another one.</summary>
    private static readonly (double Least, double Most) LongSeconds = (4, 6);

    private readonly Random _random = new(seed);
    private readonly Queue<FaultKind> _round = new();
    private readonly Dictionary<FaultKind, bool> _wasLong = [];

    /// <summary>How often one and the same process can be hit within a time.</summary>
    /// <param name="every">Between two faults; above zero.</param>
    /// <param name="within">Any time.</param>
    public static int MostHits(TimeSpan every, TimeSpan within) => (int)Math.Min(int.MaxValue, Math.Ceiling(within / every) + 1);

    public PlannedFault Next()
    {
        if (_round.Count == 0)
        {
            var round = kinds.ToArray();
            _random.Shuffle(round);
            foreach (var kind in round)
            {
                _round.Enqueue(kind);
            }
        }

        var next = _round.Dequeue();
        var victim = _random.NextDouble();
        if (next is not (FaultKind.Freeze or FaultKind.Cut or FaultKind.Disk or FaultKind.Coordinator))
        {
            return new PlannedFault(next, victim, TimeSpan.Zero);
        }

        var isLong = !_wasLong.GetValueOrDefault(next);
        _wasLong[next] = isLong;
        if (next == FaultKind.Coordinator && isLong)
        {
            return new PlannedFault(next, victim, TimeSpan.Zero);
        }

        var (least, most) = isLong || next == FaultKind.Coordinator ? LongSeconds : ShortSeconds;
        return new PlannedFault(next, victim, TimeSpan.FromSeconds(least + (_random.NextDouble() * (most - least))));
    }
}
