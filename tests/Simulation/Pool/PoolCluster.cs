using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Simulation.Coordinators;
using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Owners;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;
using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Simulation.Pool;

/// <summary>One seed is several runs on one pool of workers, with faults: every run ends with the bits that it has alone, nobody serves two runs, nobody is brought below its least, and at quiet moments the shares are fair.</summary>
public sealed class PoolCluster : ISimHome
{
    /// <summary>When nothing happens from outside any more, all runs must end within this: they wait for each other, and some for a grace period.</summary>
    private const long LivenessMicros = 600_000_000;

    private const long MaxEvents = 5_000_000;

    private const long SlowLatencyMicros = 60_000;

    private readonly Random _random;
    private readonly PoolPlan _plan;
    private readonly Dictionary<RunId, ulong[]> _states = [];
    private readonly Dictionary<RunId, SimDisk> _disks = [];
    private readonly List<SimWorker> _workers = [];
    private readonly Dictionary<string, SimWorker> _byName = [];
    private readonly Dictionary<SimWorker, string?> _zones = [];
    private readonly HashSet<SimWorker> _drained = [];
    private readonly Dictionary<object, long> _applied = new(ReferenceEqualityComparer.Instance);
    private readonly ISimControl _control;
    private readonly PoolWatch _watch;
    private readonly List<string>? _trace;
    private long _connections;
    private long _lastFault;
    private int _processes;
    private string? _violation;

    /// <param name="seed">Draws everything.</param>
    /// <param name="bug">What is made wrong on purpose.</param>
    /// <param name="isTraced">Keep every event as a line.</param>
    /// <param name="plan">Null: drawn.</param>
    /// <param name="isOwned">Several coordinators on one store, and owners die.</param>
    public PoolCluster(int seed, Bug? bug = null, bool isTraced = false, PoolPlan? plan = null, bool isOwned = false)
    {
        _random = new Random(seed);
        _plan = plan ?? (isOwned ? PoolPlan.DrawOwned(_random) : PoolPlan.Draw(_random));
        Settings = _plan.Settings with { Bug = bug ?? Bug.None };
        _trace = isTraced ? [] : null;
        Network = new SimNetwork(Clock, _random);
        foreach (var job in _plan.Jobs)
        {
            // Other weights in each run: whatever goes from one to another shows.
            var initial = SimModel.Leaf(SimModel.InitialState, _states.Count + 1, 0, 0);
            _states[job.Run] = SimModel.States(Settings.LogicalRanks, Settings.Steps, initial);
            _disks[job.Run] = new SimDisk();
        }

        _watch = new PoolWatch(_plan);
        _control = _plan.Coordinators > 0
            ? new SimCoordinators(new SimOwnerWorld(Clock, Network, Settings, Trace, _ => { }, () => { }), _random, _plan.Coordinators, storeFaultsEnd: _plan.Faults.Max(fault => fault.AtMicros + fault.Micros))
            : new SimCoordinator(Clock, Network, Settings, text => Trace(_control!.Process, text), _ => { }, () => { });
    }

    public SimClock Clock { get; } = new();

    public SimNetwork Network { get; }

    public SimSettings Settings { get; }

    public PoolPlan Plan => _plan;

    public IReadOnlyList<string> Lines => _trace ?? [];

    /// <summary>Moments at which nothing was under way and the shares were looked at.</summary>
    public int QuietMoments => _watch.QuietMoments;

    /// <summary>Workers that went from a run that goes on to another.</summary>
    public int Moves => _watch.Moves;

    /// <summary>Owners that there have been.</summary>
    public long Terms => _control is SimCoordinators owners ? owners.Store.Leases.Term : 0;

    /// <summary>Runs that had not started when an owner took them over, and ended under it or a later one.</summary>
    public int QueuedOverTerms => _watch.QueuedOverTerms;

    /// <summary>Owners under which a worker that was drained under a former one was attached.</summary>
    public int DrainedOverTerms => _watch.DrainedOverTerms;

    /// <summary>Runs that started before others which waited in front of them.</summary>
    public int Passes => _watch.Passes;

    ImmutableSortedDictionary<string, string> ISimHome.LabelsOf(SimWorker worker) =>
        _zones.GetValueOrDefault(worker) is { } zone ? LabelRule.None.Add(PoolWatch.Zone, zone) : LabelRule.None;

    ISimEndpoint? ISimHome.Find(string address) => _byName.GetValueOrDefault(address);

    /// <returns>Null when every promise was kept; else which one was broken, and when.</returns>
    public string? Play()
    {
        _control.Start();
        for (var place = 0; place < Settings.Workers; place++)
        {
            StartWorker(place);
        }

        foreach (var job in _plan.Jobs)
        {
            Clock.At(job.AtMicros, () => _control.Submit(new RunOrder { Id = job.Run, Job = Job(job), RunDir = job.Run.Value, JobFile = "job.yaml" }));
            _lastFault = Math.Max(_lastFault, job.AtMicros);
        }

        foreach (var fault in _plan.Faults)
        {
            Clock.At(fault.AtMicros, () => Do(fault));
        }

        while (_violation is null && _plan.Jobs.Any(job => _control.OutcomeOf(job.Run) is null))
        {
            if (Clock.Count > MaxEvents || Clock.Micros > _lastFault + LivenessMicros || !Step())
            {
                return Describe($"not every run has ended {(Clock.Micros - _lastFault) / 1e6:0} s after the last fault ({Clock.Count} events): "
                    + (_control.State is { } state ? string.Join("; ", state.Runs.Select(run => $"{run.Id} is {run.Phase.GetType().Name}, {run.Reason}")) : "nobody owns the runs"));
            }
        }

        return _violation ?? _plan.Jobs.Select(job => WhyNotGood(job.Run, _control.OutcomeOf(job.Run)!)).FirstOrDefault(why => why is not null);
    }

    public long NextConnection() => ++_connections;

    ImmutableArray<string> ISimHome.Coordinators => _control.Addresses;

    string? ISimHome.HintOf(string key) => _control.HintOf(key);

    SimStream ISimHome.Attach(SimWorker worker, string key, string? address, Action<string> lost) => _control.Attach(worker, key, address, lost);

    void ISimHome.Check(SimWorker worker, RunId run, long step, ulong value)
    {
        if (step > Settings.Steps || _states[run][step] != value)
        {
            Violate($"{worker.Name} ({worker.Id}) holds other bits than the quiet {run} after step {step}");
        }

        var member = worker.Member!;
        if (_applied.TryGetValue(member, out var before) && step <= before && member.State.Taking is null)
        {
            Violate($"{worker.Name} ({worker.Id}) went from step {before} of {run} back to {step}");
        }

        _applied[member] = step;
    }

    SimDisk ISimHome.DiskOf(RunId run) => _disks[run];

    void ISimHome.Saving(SimWorker worker) { }

    void ISimHome.Following(SimWorker worker) { }

    void ISimHome.Saved(RunId run, long step, ulong value)
    {
        if (step > Settings.Steps || _states[run][step] != value)
        {
            Violate($"a checkpoint of step {step} has other bits than the quiet {run}");
        }
    }

    (long Step, ulong Value) ISimHome.Load(RunId run, string? path)
    {
        if (path is null)
        {
            return (0, _states[run][0]);
        }

        var step = long.Parse(path.Split('-')[1], System.Globalization.CultureInfo.InvariantCulture);
        return (step, _disks[run].Load(step));
    }

    void ISimHome.Trace(SimProcess process, string what) => Trace(process, what);

    private void StartWorker(int place)
    {
        var worker = new SimWorker(this, ++_processes, new Random(_random.Next()));
        _byName[worker.Name] = worker;
        _zones[worker] = _plan.Zones.ElementAtOrDefault(place);
        if (place < _workers.Count)
        {
            _workers[place] = worker;
        }
        else
        {
            _workers.Add(worker);
        }

        worker.Start();
    }

    private void Do(PoolFault fault)
    {
        Trace(_control.Process, $"*** {fault}");
        _lastFault = Math.Max(_lastFault, Clock.Micros + fault.Micros);
        var worker = _workers[fault.Worker];
        if (_control is SimCoordinators owners && fault.Kind is PoolFaultKind.OwnerCrash or PoolFaultKind.OwnerFreeze or PoolFaultKind.StoreDown)
        {
            HitOwner(fault, owners);
            return;
        }

        switch (fault.Kind)
        {
            case PoolFaultKind.Crash when !worker.IsDead:
                worker.Die();
                Clock.After(fault.Micros, () => StartWorker(fault.Worker));
                break;
            case PoolFaultKind.Freeze when worker is { IsDead: false, IsFrozen: false }:
                worker.Freeze();
                _watch.Disturbances++;
                Clock.After(fault.Micros, () =>
                {
                    _watch.Disturbances--;
                    worker.Thaw();
                });
                break;
            case PoolFaultKind.Leave when !worker.IsDead:
                worker.Happen(() => worker.Post(new WorkerEvent.LeaveRequested("SIGTERM")));
                Clock.After(fault.Micros, () => StartWorker(fault.Worker));
                break;
            case PoolFaultKind.Join:
                StartWorker(_workers.Count);
                break;
            case PoolFaultKind.SlowNetwork:
                Network.LatencyMicros = SlowLatencyMicros;
                _watch.Disturbances++;
                Clock.After(fault.Micros, () =>
                {
                    Network.LatencyMicros = 200;
                    _watch.Disturbances--;
                });
                break;
            case PoolFaultKind.Drain when !worker.IsDead && _drained.Add(worker):
                Drain(worker, fault.Micros);
                break;
            case PoolFaultKind.Scale:
                var job = _plan.Jobs[fault.Job];
                _control.Ask(job.Run, new ClusterEvent.ScaleRequested(job.Run, Math.Clamp(fault.Desired, job.Min, job.Max)));
                break;
        }
    }

    /// <summary>From the answer on it must stay drained, until the person asks to have it back. No two persons want different things of a worker.</summary>
    private void Drain(SimWorker worker, long micros)
    {
        _watch.Disturbances++;
        _control.Drain(worker, isUndone: false, isAnswered =>
        {
            _watch.Disturbances--;
            if (isAnswered)
            {
                Trace(_control.Process, $"answers: {worker.Name} is drained");
                _watch.Drain(worker.Name);
                Clock.After(micros, () => TakeBack(worker));
            }
        });
    }

    private void TakeBack(SimWorker worker)
    {
        _watch.TakeBack(worker.Name);
        _watch.Disturbances++;
        _control.Drain(worker, isUndone: true, isAnswered =>
        {
            _watch.Disturbances--;
            _drained.Remove(worker);
            Trace(_control.Process, isAnswered ? $"answers: {worker.Name} is drained no more" : $"{worker.Name} was drained and has died");
        });
    }

    private void HitOwner(PoolFault fault, SimCoordinators owners)
    {
        var owner = owners.Draw(0);
        switch (fault.Kind)
        {
            case PoolFaultKind.OwnerCrash when !owner.IsDead:
                owner.DieAfter(fault.Desired);
                Clock.After(fault.Micros, () => Restart(owners, owner));
                break;
            case PoolFaultKind.OwnerFreeze when owner is { IsDead: false, IsFrozen: false }:
                owner.Freeze();
                Clock.After(fault.Micros, owner.Thaw);
                break;
            case PoolFaultKind.StoreDown:
                owners.Store.Leases.DownUntil = Math.Max(owners.Store.Leases.DownUntil, Clock.Micros + fault.Micros);
                break;
        }
    }

    /// <summary>A supervisor looks now and then whether the process has ended.</summary>
    private void Restart(SimCoordinators owners, OwnedCoordinator former)
    {
        if (former.IsDead)
        {
            owners.Restart(former);
        }
        else
        {
            Clock.After(500_000, () => Restart(owners, former));
        }
    }

    private bool Step()
    {
        try
        {
            if (!Clock.Step())
            {
                return false;
            }
        }
        catch (Exception error) when (error is SimViolationException or BrokenPromiseException)
        {
            Violate(error.Message);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or NullReferenceException)
        {
            Violate($"a machine threw {error.GetType().Name}: {error.Message} {error.StackTrace?.Split('\n').FirstOrDefault()}");
        }

        if (_watch.WhyNot(_control.State, _control.Term, Clock.Micros, (_control as SimCoordinators)?.Store.Rows.Select(row => row.Order.Id)) is { } why)
        {
            Violate(why);
        }

        return true;
    }

    private string? WhyNotGood(RunId run, RunOutcome outcome) =>
        outcome.Result != RunResult.Succeeded ? Describe($"{run} ended as {outcome.Result}: {outcome.Reason}")
        : outcome.WeightsSha256 != SimSettings.HashOf(_states[run][Settings.Steps]) ? Describe($"{run} ended with {outcome.WeightsSha256}, not the hash that it has alone")
        : _plan.Faults.All(fault => fault.Kind is PoolFaultKind.Join or PoolFaultKind.Scale or PoolFaultKind.Leave)
            && _control.LedgerOf(run).FirstGap(Settings.LogicalRanks, Settings.Steps) is { } gap ? Describe($"the ledger of {run} lacks rank {gap.Rank} of step {gap.Step}, and nobody was lost")
        : null;

    private void Violate(string what) => _violation ??= Describe(what);

    private string Describe(string what) => $"at {Clock.Micros / 1000.0:0.000} ms: {what}";

    private void Trace(SimProcess process, string what) => _trace?.Add($"{Clock.Micros / 1000.0,12:0.000} ms  {process.Name,-12} {what}");

    private JobSpec Job(PoolJob job) => new()
    {
        Name = job.Run.Value, ProjectRoot = "/", Model = new MlpSpec(), Data = new TextDataSpec(["data"]), Priority = job.Priority,
        Training = new TrainingSpec { Steps = (int)Settings.Steps, GlobalBatch = 64, LogicalRanks = Settings.LogicalRanks },
        Workers = new WorkersSpec { Min = job.Min, Desired = job.Desired, Max = job.Max, Isa = "avx2", Labels = job.Zone is { } zone ? LabelRule.None.Add(PoolWatch.Zone, zone) : LabelRule.None },
        Checkpoint = new CheckpointSpec { EverySteps = (int)Settings.CheckpointEvery },
    };
}
