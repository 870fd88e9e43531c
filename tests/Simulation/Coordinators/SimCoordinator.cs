using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>A coordinator process: the real cluster machine, its timers and its streams to the workers.</summary>
internal sealed class SimCoordinator : SimProcess, ISimEndpoint, ISimControl
{
    public static readonly RunId Run = new("run");

    private readonly SimClock _clock;
    private readonly SimNetwork _network;
    private readonly SimSettings _settings;
    private readonly Action<string> _trace;
    private readonly Action _fenced;
    private readonly WorkerStreams _streams;
    private readonly Dictionary<RunId, RunOutcome> _outcomes = [];
    private readonly Dictionary<RunId, SimLedger> _ledgers = [];
    private TimeSpan _jump;

    public SimCoordinator(SimClock clock, SimNetwork network, SimSettings settings, Action<string> trace, Action<SimWorker> evicted, Action fenced)
        : base(clock, "coordinator")
    {
        (_clock, _network, _settings, _trace, _fenced) = (clock, network, settings, trace, fenced);
        _streams = new WorkerStreams(this, network, Post, trace, evicted);
        State = new ClusterState { Options = new ClusterOptions("sim", SimSettings.Waits) };
    }

    /// <summary>Whether the ledgers' disk takes nothing now.</summary>
    public Func<bool> IsLedgerDiskFull { get; init; } = () => false;

    public SimProcess Process => this;

    public ClusterState State { get; private set; }

    ClusterState? ISimControl.State => State;

    /// <summary>It has no store, and is the only one.</summary>
    public long Term => 0;

    public ImmutableArray<string> Addresses => [];

    /// <summary>A person was told that something is not as usual.</summary>
    public bool HasWarned { get; private set; }

    /// <summary>Generations that began from the initial weights or from a checkpoint.</summary>
    public int Loads { get; private set; }

    public RunOutcome? OutcomeOf(RunId run) => _outcomes.GetValueOrDefault(run);

    public SimLedger LedgerOf(RunId run) => _ledgers.TryGetValue(run, out var ledger) ? ledger : _ledgers[run] = new SimLedger();

    public void Start() => Tick();

    public void Submit(RunOrder order) => Post(new ClusterEvent.RunSubmitted(order));

    /// <summary>The clock is set forward, as a time server does it.</summary>
    public void Jump(TimeSpan by) => _jump += by;

    public void Ask(RunId run, ClusterEvent @event)
    {
        if (State.Find(run) is not null)
        {
            Post(@event);
        }
    }

    /// <summary>One that is not attached now is left as it is.</summary>
    public void Drain(SimWorker worker, bool isUndone, Action<bool> over)
    {
        var id = IdOf(worker);
        if (id is { } known)
        {
            Post(isUndone ? new ClusterEvent.TakeBackRequested(known) : new ClusterEvent.DrainRequested(known));
        }

        over(id is not null);
    }

    public string? HintOf(string key) => null;

    public void Post(ClusterEvent @event)
    {
        var before = State;
        (State, var effects) = ClusterMachine.Step(State, @event, _clock.Now + _jump);
        effects = _settings.Bug.Cluster(before, @event, State, effects);
        State = _settings.Bug.State(before, State);
        if (@event is not (ClusterEvent.Tick or ClusterEvent.WorkerSaid { Message: WorkerMessage.Heartbeat }))
        {
            _trace(@event.ToString());
        }

        foreach (var effect in effects)
        {
            Carry(effect);
        }
    }

    /// <summary>A worker opens its stream.</summary>
    public SimStream Attach(SimWorker worker, string key, string? address, Action<string> lost) => _streams.Open(worker, key, lost);

    public SimTaking Take(string key, object message, out string? objection) => _streams.Take(key, message, out objection);

    public void Ended(string key, SimProcess from, string? reason) => _streams.Lose(key, reason ?? "it ended");

    public WorkerId? IdOf(SimWorker worker) => _streams.IdOf(worker);

    protected override void Died() => _network.Died(this);

    private void Tick() => After((long)LivenessRule.TickInterval.TotalMicroseconds, () =>
    {
        Post(new ClusterEvent.Tick());
        Tick();
    });

    private void Carry(ClusterEffect effect)
    {
        if (effect is ClusterEffect.ForRun { Effect: RunEffect.Tell tell })
        {
            _trace($"tells {tell.Worker}: {tell.Message}");
            if (tell.Message is CoordinatorMessage.Fence)
            {
                _fenced();
            }
        }

        _streams.Carry(effect, Term, patience: null);
        switch (effect)
        {
            case ClusterEffect.ForRun { Effect: RunEffect.StartTimer timer } of:
                After((long)timer.After.TotalMicroseconds, () => Post(new ClusterEvent.TimerFired(of.Run, timer.Timer, timer.Generation)));
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.AppendLedger append } of:
                if (LedgerOf(of.Run).Write(of.Run, append, IsLedgerDiskFull()) is { } told)
                {
                    After(0, () => Post(told));
                }

                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Record record } of:
                HasWarned |= record.Entry is RunRecord.RunWarned;
                if (record.Entry is RunRecord.GenerationFormed { Formed.IsLoaded: true })
                {
                    Loads++;
                }

                break;
            case ClusterEffect.ForRun { Effect: RunEffect.End end } of:
                _outcomes[of.Run] = end.Outcome;
                break;
        }
    }
}
