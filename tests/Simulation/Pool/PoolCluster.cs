using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Simulation.Coordinators;
using Orchestrator.Simulation.Faults;
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
    private readonly Dictionary<object, long> _applied = new(ReferenceEqualityComparer.Instance);
    private readonly SimCoordinator _coordinator;
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
    public PoolCluster(int seed, Bug? bug = null, bool isTraced = false, PoolPlan? plan = null)
    {
        _random = new Random(seed);
        _plan = plan ?? PoolPlan.Draw(_random);
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
        _coordinator = new SimCoordinator(Clock, Network, Settings, text => Trace(_coordinator!, text), _ => { }, () => { });
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

    ISimEndpoint? ISimHome.Find(string address) => _byName.GetValueOrDefault(address);

    /// <returns>Null when every promise was kept; else which one was broken, and when.</returns>
    public string? Play()
    {
        _coordinator.Start(null);
        for (var place = 0; place < Settings.Workers; place++)
        {
            _workers.Add(StartWorker());
        }

        foreach (var job in _plan.Jobs)
        {
            Clock.At(job.AtMicros, () => _coordinator.Post(new ClusterEvent.RunSubmitted(new RunOrder { Id = job.Run, Job = Job(job), RunDir = job.Run.Value, JobFile = "job.yaml" })));
            _lastFault = Math.Max(_lastFault, job.AtMicros);
        }

        foreach (var fault in _plan.Faults)
        {
            Clock.At(fault.AtMicros, () => Do(fault));
        }

        while (_violation is null && _plan.Jobs.Any(job => _coordinator.OutcomeOf(job.Run) is null))
        {
            if (Clock.Count > MaxEvents || Clock.Micros > _lastFault + LivenessMicros || !Step())
            {
                return Describe($"not every run has ended {(Clock.Micros - _lastFault) / 1e6:0} s after the last fault ({Clock.Count} events): "
                    + string.Join("; ", _coordinator.State.Runs.Select(run => $"{run.Id} is {run.Phase.GetType().Name}, {run.Reason}")));
            }
        }

        return _violation ?? _plan.Jobs.Select(job => WhyNotGood(job.Run, _coordinator.OutcomeOf(job.Run)!)).FirstOrDefault(why => why is not null);
    }

    public long NextConnection() => ++_connections;

    ImmutableArray<string> ISimHome.Coordinators => _coordinator.Addresses;

    string? ISimHome.HintOf(string key) => _coordinator.HintOf(key);

    SimStream ISimHome.Attach(SimWorker worker, string key, string? address, Action<string> lost) => _coordinator.Attach(worker, key, address, lost);

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

    private SimWorker StartWorker()
    {
        var worker = new SimWorker(this, ++_processes, new Random(_random.Next()));
        _byName[worker.Name] = worker;
        worker.Start();
        return worker;
    }

    private void Do(PoolFault fault)
    {
        Trace(_coordinator, $"*** {fault}");
        _lastFault = Math.Max(_lastFault, Clock.Micros + fault.Micros);
        var worker = _workers[fault.Worker];
        switch (fault.Kind)
        {
            case PoolFaultKind.Crash when !worker.IsDead:
                worker.Die();
                Clock.After(fault.Micros, () => _workers[fault.Worker] = StartWorker());
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
                Clock.After(fault.Micros, () => _workers[fault.Worker] = StartWorker());
                break;
            case PoolFaultKind.Join:
                _workers.Add(StartWorker());
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
            case PoolFaultKind.Scale:
                var job = _plan.Jobs[fault.Job];
                if (_coordinator.State.Find(job.Run) is not null)
                {
                    _coordinator.Post(new ClusterEvent.ScaleRequested(job.Run, Math.Clamp(fault.Desired, job.Min, job.Max)));
                }

                break;
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
        catch (SimViolationException error)
        {
            Violate(error.Message);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or NullReferenceException)
        {
            Violate($"a machine threw {error.GetType().Name}: {error.Message} {error.StackTrace?.Split('\n').FirstOrDefault()}");
        }

        if (_watch.WhyNot(_coordinator.State, Clock.Micros) is { } why)
        {
            Violate(why);
        }

        return true;
    }

    private string? WhyNotGood(RunId run, RunOutcome outcome) =>
        outcome.Result != RunResult.Succeeded ? Describe($"{run} ended as {outcome.Result}: {outcome.Reason}")
        : outcome.WeightsSha256 != SimSettings.HashOf(_states[run][Settings.Steps]) ? Describe($"{run} ended with {outcome.WeightsSha256}, not the hash that it has alone")
        : _plan.Faults.All(fault => fault.Kind is PoolFaultKind.Join or PoolFaultKind.Scale or PoolFaultKind.Leave)
            && _coordinator.LedgerOf(run).FirstGap(Settings.LogicalRanks, Settings.Steps) is { } gap ? Describe($"the ledger of {run} lacks rank {gap.Rank} of step {gap.Step}, and nobody was lost")
        : null;

    private void Violate(string what) => _violation ??= Describe(what);

    private string Describe(string what) => $"at {Clock.Micros / 1000.0:0.000} ms: {what}";

    private void Trace(SimProcess process, string what) => _trace?.Add($"{Clock.Micros / 1000.0,12:0.000} ms  {process.Name,-12} {what}");

    private JobSpec Job(PoolJob job) => new()
    {
        Name = job.Run.Value, ProjectRoot = "/", Model = new MlpSpec(), Data = new TextDataSpec(["data"]), Priority = job.Priority,
        Training = new TrainingSpec { Steps = (int)Settings.Steps, GlobalBatch = 64, LogicalRanks = Settings.LogicalRanks },
        Workers = new WorkersSpec { Min = job.Min, Desired = job.Desired, Max = job.Max, Isa = "avx2" },
        Checkpoint = new CheckpointSpec { EverySteps = (int)Settings.CheckpointEvery },
    };
}
