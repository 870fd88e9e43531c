namespace Orchestrator.Coordinator.Core.Supervision;

/// <summary>What a launcher hears. Closed set.</summary>
public abstract record SupervisionEvent
{
    private SupervisionEvent() { }

    /// <summary>The run wants this many workers. Those that are too many are not killed: the run tells them to leave.</summary>
    public sealed record Wanted(int Desired) : SupervisionEvent;

    /// <summary>The process runs; its end comes behind this.</summary>
    public sealed record Started(int Slot, int Pid) : SupervisionEvent;

    /// <summary>The system did not start a process.</summary>
    public sealed record NotStarted(int Slot, string Reason) : SupervisionEvent;

    /// <summary>A process ended; that of a slot which keeps another one by now is not missed.</summary>
    /// <param name="IsWell">It ended with code 0: it was told to.</param>
    /// <param name="Brief">In a sentence.</param>
    /// <param name="How">The same with what it said last.</param>
    public sealed record Ended(int Slot, int Pid, bool IsWell, string Brief, string How) : SupervisionEvent;

    /// <summary>A worker with this process id is a member of a generation.</summary>
    public sealed record BecameMember(int Pid) : SupervisionEvent;

    /// <summary>The coordinator has lost a worker with this process id; the process may still run.</summary>
    public sealed record Lost(int Pid) : SupervisionEvent;

    /// <param name="Slot">Whose delay is over.</param>
    public sealed record DelayOver(int Slot) : SupervisionEvent;

    /// <summary>The time that a lost process had to come back is over.</summary>
    /// <param name="IsAttached">It is attached to the coordinator again.</param>
    public sealed record ThawOver(int Slot, int Pid, bool IsAttached) : SupervisionEvent;
}

/// <summary>What a launcher is to do. Closed set, carried out in the order of the array.</summary>
public abstract record SupervisionEffect
{
    private SupervisionEffect() { }

    /// <summary>Answered with <see cref="SupervisionEvent.Started"/> or <see cref="SupervisionEvent.NotStarted"/>.</summary>
    public sealed record Start(int Slot) : SupervisionEffect;

    /// <summary>Its end is heard as that of any process.</summary>
    public sealed record Kill(int Pid) : SupervisionEffect;

    /// <summary>Answered with <see cref="SupervisionEvent.DelayOver"/> after this time.</summary>
    public sealed record Delay(int Slot, TimeSpan For) : SupervisionEffect;

    /// <summary>Ask after this time whether a lost process has attached again.</summary>
    public sealed record AwaitThaw(int Slot, int Pid, TimeSpan For) : SupervisionEffect;

    /// <summary>For the person who watches.</summary>
    /// <param name="IsBad">It is a failure, and not a worker that left as it was told to.</param>
    public sealed record Say(string Sentence, bool IsBad = true) : SupervisionEffect;

    /// <summary>Too few processes are left, and none is started any more.</summary>
    public sealed record GiveUp(string Reason) : SupervisionEffect;
}
