using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Supervision;

/// <summary>The worker processes that a launcher keeps on its machine.</summary>
/// <param name="Limits">How often a process is started again, and how fast.</param>
/// <param name="Min">Workers without which the run cannot go on.</param>
/// <param name="Desired">Processes that are to be kept.</param>
/// <param name="Slots">By number: each keeps one process.</param>
public sealed record SupervisionState(RestartLimits Limits, int Min, int Desired, ImmutableSortedDictionary<int, Slot> Slots)
{
    /// <summary>What the first process said that ended before it was a member, since one was; null: none did.</summary>
    public string? FirstError { get; init; }

    /// <summary>The run could not go on without more processes, and was told so.</summary>
    public bool HasGivenUp { get; init; }

    public static SupervisionState Create(RestartLimits limits, int min) => new(limits, min, 0, ImmutableSortedDictionary<int, Slot>.Empty);

    /// <summary>Slots that keep a process, or will start one.</summary>
    public int Kept => Slots.Values.Count(slot => slot.Stage is not SlotStage.GivenUp);
}

/// <summary>One process and its predecessors.</summary>
/// <param name="Stage">What it does now.</param>
/// <param name="Pid">Of the process; 0: none.</param>
public sealed record Slot(SlotStage Stage, int Pid)
{
    /// <summary>When its process became a member; null: it has not yet.</summary>
    public DateTimeOffset? MemberSince { get; init; }

    /// <summary>Ends since a process was a member for a while.</summary>
    public int Failures { get; init; }

    /// <summary>Ends in a row of processes that had not become members.</summary>
    public int EarlyEnds { get; init; }

    /// <summary>When it was started again, within the window that counts.</summary>
    public ImmutableArray<DateTimeOffset> Restarts { get; init; } = [];
}

public enum SlotStage
{
    Unspecified = 0,

    /// <summary>Its process was asked for or runs.</summary>
    Running = 1,

    /// <summary>Its process is started when the timer fires.</summary>
    Waiting = 2,

    /// <summary>It is not started any more.</summary>
    GivenUp = 3,
}

/// <summary>How often processes are started again.</summary>
public sealed record RestartLimits
{
    /// <summary>Restarts of one slot within the window, from 0 on: a worker that dies every minute is of no use.</summary>
    public int MaxRestarts { get; init; } = 10;

    /// <summary>What was longer ago does not count.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Processes of one slot that may end in a row before they were members: the third ends of the same cause as the first.</summary>
    public int MaxEarlyEnds { get; init; } = 3;

    /// <summary>Before the second restart; doubles from then on. The first is at once: mostly it was chance.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>No restart waits longer.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A member for this long is well: the next end counts as the first.</summary>
    public TimeSpan Stable { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For a process that was lost and still runs, frozen perhaps: it attaches anew when it thaws.</summary>
    public TimeSpan Thaw { get; init; } = TimeSpan.FromSeconds(30);
}
