using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;
using Orchestrator.Simulation.World;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Simulation.Workers;

/// <summary>A worker process: the real lifecycle machine, its stream to the coordinator, and where its peers push.</summary>
internal sealed class SimWorker : SimProcess, ISimEndpoint
{
    private const string ControlKey = "control";
    private const long HeartbeatMicros = 250_000;

    /// <summary>What its heartbeats said of its work may be under way for as long as any other message.</summary>
    private const long StaleMicros = 16_000_000;

    private readonly ISimHome _home;
    private readonly Dictionary<string, (Action<object> Take, Action<SimProcess, string?> Ended)> _listeners = [];
    private readonly HashSet<string> _deaf = [];
    private readonly int _number;
    private readonly Random _diskRandom;
    private readonly Queue<Action> _stuck = new();
    private long _hangUntil = -StaleMicros;
    private CoordinatorSearch? _search;
    private string _control = "";
    private long _streamTerm;
    private bool _isWelcome;
    private bool _isLeft;
    private WorkerState _state = WorkerState.Start(endsWithRun: false);
    private SimStream? _toCoordinator;
    private SimMember? _member;
    private (long Step, ulong Value) _loaded;

    public SimWorker(ISimHome home, int number, Random random)
        : base(home.Clock, $"p-{number}")
    {
        (_home, _number, Random, _diskRandom) = (home, number, random, new Random(number));
        _search = home.Coordinators is { IsEmpty: false } addresses ? CoordinatorSearch.Start(addresses) : null;
    }

    public SimProcess Process => this;

    public Random Random { get; }

    public SimSettings Settings => _home.Settings;

    public SimMember? Member => _member;

    public WorkerPhase Phase => _state.Phase;

    public WorkerId? Id => _state.Worker;

    public bool IsLeaving => _state.IsLeaving;

    /// <summary>A pass takes so many times longer than usual.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>Its training thread hangs.</summary>
    public bool IsHung { get; private set; }

    /// <summary>It hangs, or did a moment ago.</summary>
    public bool HasHung => _home.Clock.Micros <= _hangUntil + StaleMicros;

    /// <summary>Something that the training thread does, after a while.</summary>
    public void Train(long micros, Action action) => After(micros, () =>
    {
        if (IsHung)
        {
            _stuck.Enqueue(action);
        }
        else
        {
            action();
        }
    });

    public void Hang(long untilMicros) => (IsHung, _hangUntil) = (true, Math.Max(_hangUntil, untilMicros));

    /// <summary>The training thread goes on, unless another hang holds it.</summary>
    public void GoOn()
    {
        if (_home.Clock.Micros < _hangUntil)
        {
            return;
        }

        IsHung = false;
        while (_stuck.TryDequeue(out var action))
        {
            action();
        }
    }

    public void Start()
    {
        Attach();
        Beat();
    }

    public void Post(WorkerEvent @event)
    {
        var before = _state;
        (_state, var effects) = WorkerMachine.Step(_state, @event);
        (_state, effects) = Settings.Bug.Worker(before, @event, _state, effects);
        if (@event is WorkerEvent.CoordinatorSaid { Message: not CoordinatorMessage.Welcome } said && _streamTerm < _state.Term && effects.Any(IsObedience))
        {
            throw new SimViolationException($"{Name} takes {said.Message.GetType().Name} of term {_streamTerm}, and has seen term {_state.Term}");
        }

        if (effects.Any(effect => effect is WorkerEffect.Restart { IsHung: true }) && !HasHung)
        {
            throw new SimViolationException($"{Name} ({before.Worker}) is told to start afresh, and nothing hangs");
        }

        foreach (var effect in Settings.Bug.LeavesRunOut ? effects : RunMark.Put(before, _state, effects))
        {
            Carry(effect);
        }
    }

    public void Trace(string what) => _home.Trace(this, what);

    public void Check(RunId run, long step, ulong value) => _home.Check(this, run, step, value);

    public SimStream Open(string address, string key, Action<string> lost) => _home.Network.Open(this, _home.Find(address), key, lost);

    public void Listen(string key, Action<object> take, Action<SimProcess, string?> ended)
    {
        _listeners[key] = (take, ended);
        _home.Network.Opened(this, key);
    }

    public void Deafen(string key, string reason)
    {
        _listeners.Remove(key);
        _deaf.Add(key);
        _home.Network.Close(this, key, reason);
    }

    public SimTaking Take(string key, object message, out string? objection)
    {
        objection = null;
        if (_listeners.TryGetValue(key, out var listener))
        {
            listener.Take(message);
            return SimTaking.Taken;
        }

        if (!_deaf.Contains(key))
        {
            return SimTaking.NotYet;
        }

        objection = $"{key} is closed on {Name}";
        return SimTaking.Refused;
    }

    public void Ended(string key, SimProcess from, string? reason)
    {
        if (_listeners.TryGetValue(key, out var listener))
        {
            listener.Ended(from, reason);
        }
    }

    public void Report(RunId run, WorkerMessage message) => Post((WorkerEvent)(Settings.Bug.Report(message) switch
    {
        WorkerMessage.Progress progress => new WorkerEvent.StepApplied(progress),
        WorkerMessage.Entered entered => new WorkerEvent.GenerationEntered(entered),
        var other => new WorkerEvent.Reported(other),
    }) with { Run = run });

    public void Following() => _home.Following(this);

    public void LoadingState() => _home.LoadingState(this);

    public void SaveCheckpoint(RunId run, Generation generation, long step, ulong value)
    {
        var (disk, bug) = (_home.DiskOf(run), Settings.Bug);
        var saved = new WorkerMessage.CheckpointSaved(generation, step, $"step-{step}", SimSettings.HashOf(value), 1, 0, 0, null);
        if (!disk.Begin(step, bug.TrustsTornCheckpoints))
        {
            After(_diskRandom.NextInt64(1000), () => Report(run, saved));
            return;
        }

        _home.Saving(this);
        if (bug.ReportsBeforeCommit)
        {
            Report(run, saved);
        }

        // Whoever dies before the commit leaves a torn one; between the commit and the report it leaves one that nobody knows of.
        After((long)(Random.NextInt64(4000) * disk.Slowness), () =>
        {
            _home.Saved(run, step, value);
            disk.Commit(step, value, isSynced: !bug.SkipsSync);
            After(_diskRandom.NextInt64(2000), () => Report(run, saved));
        });
    }

    protected override void Died()
    {
        _home.Trace(this, "dies");
        _home.Network.Died(this);
    }

    private void Beat() => After(HeartbeatMicros, () =>
    {
        if (_state.Worker is not null)
        {
            _toCoordinator?.Send(Settings.Bug.Report(new WorkerMessage.Heartbeat(_member is { } member ? WorkMarks.Of(member.State) : default)));
        }

        if (_search is not null)
        {
            Post(new WorkerEvent.Beat());
        }

        Beat();
    });

    private void Attach(MemberIdentity? member = null)
    {
        var key = $"{ControlKey}/{_home.NextConnection()}";
        _listeners[key] = (message => Hear((CoordinatorMessage)message), (_, reason) => Lose(key, reason ?? "it was closed", member));
        (_control, _isWelcome) = (key, false);
        _toCoordinator = _home.Attach(this, key, _search?.Address, reason => Lose(key, reason, member));
        _toCoordinator.Send(new WorkerMessage.Hello(_number, Name, Name, "", "avx2", "cpu", "", "sim") { Member = member, Labels = _home.LabelsOf(this), Instance = Name });
        _toCoordinator.MayDouble = true;
        if (_search?.Patience is { } patience)
        {
            After((long)patience.TotalMicroseconds, () =>
            {
                if (_control == key && !_isWelcome)
                {
                    Lose(key, "nobody answers", member);
                }
            });
        }
    }

    private void Hear(CoordinatorMessage message)
    {
        (_isWelcome, _streamTerm) = (true, message is CoordinatorMessage.Welcome welcome ? welcome.Term : _streamTerm);
        Post(new WorkerEvent.CoordinatorSaid(message));
    }

    /// <summary>An order that has an effect on the run.</summary>
    private static bool IsObedience(WorkerEffect effect) =>
        effect is WorkerEffect.Order or WorkerEffect.BeginPreparation or WorkerEffect.StopTraining or WorkerEffect.DropRun or WorkerEffect.WriteCheckpoint or WorkerEffect.Exit;

    /// <summary>Both directions tell the end; the first counts.</summary>
    private void Lose(string key, string reason, MemberIdentity? member)
    {
        if (!_listeners.Remove(key))
        {
            return;
        }

        _toCoordinator?.Dispose();
        _home.Network.Close(this, key, reason);
        if (_search is null || _isWelcome)
        {
            (_search, _isLeft) = (_search?.Again(_isLeft), false);
            Post(new WorkerEvent.CoordinatorLost(reason));
            return;
        }

        (_search, var wait) = _search.Refused(_home.HintOf(key), member is not null);
        After(300 + (long)wait.TotalMicroseconds, () => Attach(member));
    }

    private void Carry(WorkerEffect effect)
    {
        switch (effect)
        {
            case WorkerEffect.Send send:
                _toCoordinator!.Send(send.Message);
                break;
            case WorkerEffect.BeginPreparation preparation:
                _home.Preparing(this);
                Train(2000 + Random.NextInt64(20_000), () => Prepare(preparation.Prepare));
                break;
            case WorkerEffect.Order order:
                (_member ??= new SimMember(this, _state.Run!.Value, order.Self, _loaded.Step, _loaded.Value)).Post(new MemberEvent.Ordered(order.Message));
                break;
            case WorkerEffect.StopTraining:
                _member?.Stop();
                break;
            case WorkerEffect.WriteCheckpoint write:
                _member?.Save(write.Generation);
                break;
            case WorkerEffect.TellLedger tell:
                _member?.TellLedger(tell.Generation, tell.FromStep);
                break;
            case WorkerEffect.ForgetLedger forget:
                _member?.ForgetLedger(forget.Step);
                break;
            case WorkerEffect.DropRun:
                _member?.Dispose();
                _member = null;
                break;
            case WorkerEffect.Reattach reattach:
                After(1000 + Random.NextInt64(50_000), () => Attach(reattach.Member));
                break;
            case WorkerEffect.HangUp hangUp:
                _home.Trace(this, $"leaves the coordinator: {hangUp.Reason}");
                var left = _control;
                _isLeft = true;
                // The stream's end comes later than the wish for it; what was under way comes before.
                After(Random.NextInt64(3000), () => Lose(left, hangUp.Reason, null));
                break;
            case WorkerEffect.Refuse refuse:
                _home.Trace(this, refuse.Reason);
                break;
            case WorkerEffect.Exit or WorkerEffect.Restart:
                Die();
                break;
        }
    }

    private void Prepare(CoordinatorMessage.Prepare order)
    {
        if (_state.Phase != WorkerPhase.Preparing || _state.Run != order.Run || _state.Generation != order.Generation)
        {
            return;
        }

        _loaded = _home.Load(order.Run, order.ResumeFrom);
        Post(new WorkerEvent.PreparationSucceeded(new WorkerMessage.Prepared(
            order.Generation, 1_000_000, "data", ImmutableSortedDictionary<string, string>.Empty, "canary", SimSettings.HashOf(_loaded.Value), _loaded.Step, 100, 1, 400)) { Run = order.Run });
    }
}

/// <summary>What a simulated worker needs of the world around it.</summary>
internal interface ISimHome
{
    SimClock Clock { get; }

    SimNetwork Network { get; }

    SimSettings Settings { get; }

    ISimEndpoint? Find(string address);

    /// <summary>What a worker says that it has.</summary>
    ImmutableSortedDictionary<string, string> LabelsOf(SimWorker worker) => LabelRule.None;

    long NextConnection();

    /// <summary>A stream to the coordinator; what it says comes by the key.</summary>
    SimStream Attach(SimWorker worker, string key, string? address, Action<string> lost);

    /// <summary>Where a worker looks for the owner of the run; empty: there is one coordinator.</summary>
    ImmutableArray<string> Coordinators { get; }

    /// <inheritdoc cref="Orchestrator.Simulation.Coordinators.ISimControl.HintOf"/>
    string? HintOf(string key);

    /// <summary>A worker holds a state: it must be the quiet run's.</summary>
    void Check(SimWorker worker, RunId run, long step, ulong value);

    SimDisk DiskOf(RunId run);

    /// <summary>A worker begins to write a checkpoint.</summary>
    void Saving(SimWorker worker);

    /// <summary>A joiner has begun to apply a gradient that its feed brought.</summary>
    void Following(SimWorker worker);

    /// <summary>A worker begins to make itself ready for a run.</summary>
    void Preparing(SimWorker worker)
    {
    }

    /// <summary>A joiner begins to take a donor's state over.</summary>
    void LoadingState(SimWorker worker)
    {
    }

    /// <summary>A checkpoint is committed: it must be the quiet run's.</summary>
    void Saved(RunId run, long step, ulong value);

    /// <summary>The state that a run starts from: a checkpoint, or the initial weights when there is no path.</summary>
    (long Step, ulong Value) Load(RunId run, string? path);

    void Trace(SimProcess process, string what);
}
