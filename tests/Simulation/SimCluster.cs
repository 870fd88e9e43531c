using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Simulation.Coordinators;
using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Owners;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation;

/// <summary>One seed is one run: a coordinator and workers, faults, and the promises that are checked after every event.</summary>
public sealed class SimCluster : ISimHome
{
    /// <summary>When faults have ended the run must end within this.</summary>
    private const long LivenessMicros = 240_000_000;

    /// <summary>Faults are felt no longer than this: a broken link is seen by its pings after ten seconds.</summary>
    private const long CalmMicros = 15_000_000;

    /// <summary>A run that does nothing but send messages would never end by its clock.</summary>
    private const long MaxEvents = 2_000_000;

    /// <summary>The present step's, the one before it and a gift.</summary>
    private const int MaxReducedBuffers = 3;

    /// <summary>Steps that some members have reported and others have not: members differ by one, and their reports by a few more while messages are late.</summary>
    private const int MaxPendingSteps = 16;

    /// <summary>Those that one feed has not sent.</summary>
    private const int MaxFeedBacklog = 4;

    private readonly Random _random;
    private readonly List<Fault> _faults;
    private readonly ulong[] _states;
    private readonly SimWorker[] _workers;
    private readonly Dictionary<string, SimWorker> _byName = [];
    private readonly Dictionary<object, long> _applied = new(ReferenceEqualityComparer.Instance);
    private readonly ISimControl _coordinator;
    private readonly List<string>? _trace;
    private long _connections;
    private long _faultsEnd;
    private int _processes;
    private readonly Dictionary<SimWorker, WorkerId> _evicted = [];
    private RunState? _lastRun;
    private long _lastTerm;
    private string? _violation;

    /// <param name="seed">Draws everything.</param>
    /// <param name="bug">What is made wrong on purpose.</param>
    /// <param name="isTraced">Keep every event as a line.</param>
    /// <param name="faults">Null: drawn.</param>
    /// <param name="settings">Null: drawn.</param>
    /// <param name="isPlanned">Only faults that need no failure are drawn.</param>
    /// <param name="isOwned">Several coordinators on one store, and owners die.</param>
    /// <param name="mostDirect">Above so many members the all-reduce goes in groups; null: as in a real run, so never here.</param>
    public SimCluster(int seed, Bug? bug = null, bool isTraced = false, IEnumerable<Fault>? faults = null, SimSettings? settings = null, bool isPlanned = false, int? mostDirect = null, bool isOwned = false)
    {
        _random = new Random(seed);
        var drawn = settings ?? (isOwned ? DrawOwned(_random) : Draw(_random));
        Settings = drawn with { Bug = bug ?? Bug.None, MostDirect = mostDirect ?? drawn.MostDirect };
        var quietMicros = Settings.Steps * Settings.PassMicros * Settings.LogicalRanks / Settings.Workers;
        var window = quietMicros + 100_000;
        _faults = faults?.ToList() ?? (isOwned ? [.. FaultPlan.DrawOwned(_random, Settings.Workers, window, Settings.Steps), .. FaultPlan.DrawLedger(seed, window, 8_000_000)]
            : isPlanned ? FaultPlan.DrawPlanned(_random, Settings.Workers, window)
            : [.. FaultPlan.Draw(_random, Settings.Workers, window, Settings.Steps), .. FaultPlan.DrawLedger(seed, window, 4_000_000)]);
        _trace = isTraced ? [] : null;
        Network = new SimNetwork(Clock, _random);
        _states = SimModel.States(Settings.LogicalRanks, Settings.Steps);
        _workers = new SimWorker[Settings.Workers];
        _coordinator = isOwned
            ? new SimCoordinators(new SimOwnerWorld(Clock, Network, Settings, Trace, Evicted, Fenced) { IsLedgerDiskFull = IsLedgerDiskFull }, _random, _random.Next(2, 4), storeFaultsEnd: quietMicros)
            : new SimCoordinator(Clock, Network, Settings, text => Trace(_coordinator!.Process, text), Evicted, Fenced) { IsLedgerDiskFull = IsLedgerDiskFull };
    }

    public SimClock Clock { get; } = new();

    public SimNetwork Network { get; }

    public SimDisk Disk { get; } = new();

    public SimSettings Settings { get; }

    public IReadOnlyList<Fault> Faults => _faults;

    public IReadOnlyList<string> Lines => _trace ?? [];

    /// <summary>Faults that found somebody to hit.</summary>
    public int Landed { get; private set; }

    /// <summary>Told who has applied a step and not reported it yet; null: nobody waits for that.</summary>
    internal Action<SimWorker, long>? Dying { get; set; }

    /// <summary>Told who begins to write a checkpoint; null: nobody waits for that.</summary>
    internal Action<SimWorker>? Saving { get; set; }

    /// <summary>Told who applies a gradient of a feed; null: nobody waits for that.</summary>
    internal Action<SimWorker>? Following { get; set; }

    /// <summary>Told who begins to make itself ready for a run that trains already; null: nobody waits for that.</summary>
    internal Action<SimWorker>? PreparingToJoin { get; set; }

    /// <summary>Told who begins to take a donor's state over; null: nobody waits for that.</summary>
    internal Action<SimWorker>? LoadingState { get; set; }

    /// <summary>Generations that began from the initial weights or from a checkpoint: 1 when no state was ever lost.</summary>
    public int Loads => _coordinator.Loads;

    /// <summary>A worker was told to end twice, and ended at once.</summary>
    internal bool HasForced { get; set; }

    /// <summary>The first rank of the run that the ledger lacks; null: it is whole.</summary>
    public (long Step, int Rank)? LedgerGap => _coordinator.LedgerOf(SimCoordinator.Run).FirstGap(Settings.LogicalRanks, Settings.Steps);

    public RunState? Run => _coordinator.State?.Find(SimCoordinator.Run);

    private RunOutcome? Outcome => _coordinator.OutcomeOf(SimCoordinator.Run);

    /// <summary>What was fed may only be lost with everybody who had heard of it, and the run must say so.</summary>
    private string? WhyNotLost(long step, int rank)
    {
        // One that was given up is not asked: for the coordinator it is dead.
        var witness = _workers.FirstOrDefault(
            worker => worker is { IsDead: false, Member: { } member, Id: { } id } && _lastRun?.Members.Contains(id) != false && member.HasHeardOf(step, rank));
        return witness is not null ? $"the ledger lacks rank {rank} of step {step}, and {witness.Name} ({witness.Id}) had heard of it"
            : _faults.All(fault => IsHarmless(fault) || fault is Fault.Leave) || _faults.All(fault => IsHarmless(fault) || fault is Fault.OwnerCrash or Fault.OwnerFreeze or Fault.StoreDown)
                ? $"the ledger lacks rank {rank} of step {step}, and no worker was lost"
            : !_coordinator.HasWarned ? $"the ledger lacks rank {rank} of step {step}, and the run does not say so"
            : null;
    }

    /// <summary>No worker is lost by it. Whoever is told to end while nobody owns the run is not waited for.</summary>
    private static bool IsHarmless(Fault fault) => fault is Fault.Scale or Fault.ClockJump or Fault.SlowDisk or Fault.HangingFeeds or Fault.LedgerDiskFull;

    private bool IsLedgerDiskFull() => Clock.Micros < Disk.LedgersFullUntil;

    ISimEndpoint? ISimHome.Find(string address) => _byName.GetValueOrDefault(address);

    /// <returns>Null when every promise was kept; else which one was broken, and when.</returns>
    public string? Play()
    {
        _coordinator.Submit(new RunOrder { Id = SimCoordinator.Run, Job = Job(), RunDir = "run", JobFile = "job.yaml" });
        _coordinator.Start();
        for (var place = 0; place < _workers.Length; place++)
        {
            StartWorker(place);
        }

        foreach (var fault in _faults)
        {
            Clock.At(fault.AtMicros, () => new FaultHands(this, _workers, _coordinator).Do(fault));
        }

        while (_violation is null && Outcome is null)
        {
            if (Clock.Count > MaxEvents || Clock.Micros > _faultsEnd + LivenessMicros || !Step())
            {
                return Describe($"the run has not ended {(Clock.Micros - _faultsEnd) / 1e6:0} s after the last fault ({Clock.Count} events): it is {Run?.Phase.GetType().Name}, {Run?.Reason}");
            }
        }

        return _violation ?? WhyNotGood(Outcome!);
    }

    public long NextConnection() => ++_connections;

    /// <summary>Steps that workers applied while no coordinator owned the run.</summary>
    public int StepsAlone { get; private set; }

    /// <summary>Owners that there have been.</summary>
    public long Terms => _coordinator is SimCoordinators owners ? owners.Store.Leases.Term : 0;

    ImmutableArray<string> ISimHome.Coordinators => _coordinator.Addresses;

    string? ISimHome.HintOf(string key) => _coordinator.HintOf(key);

    SimStream ISimHome.Attach(SimWorker worker, string key, string? address, Action<string> lost)
    {
        _evicted.Remove(worker);
        return _coordinator.Attach(worker, key, address, lost);
    }

    SimDisk ISimHome.DiskOf(RunId run) => Disk;

    void ISimHome.Check(SimWorker worker, RunId run, long step, ulong value)
    {
        if (step > Settings.Steps || _states[step] != value)
        {
            Violate($"{worker.Name} ({worker.Id}) holds other bits than the quiet run after step {step}");
        }

        // A worker that was given up and comes back as another one begins afresh; so does one that takes a second feed.
        var member = worker.Member!;
        if (_applied.TryGetValue(member, out var before) && step <= before && member.State.Taking is null)
        {
            Violate($"{worker.Name} ({worker.Id}) went from step {before} back to {step}");
        }

        StepsAlone += _coordinator.Addresses.IsEmpty || Run is not null ? 0 : 1;
        _applied[member] = step;
        Dying?.Invoke(worker, step);
    }

    void ISimHome.Saving(SimWorker worker) => Saving?.Invoke(worker);

    void ISimHome.Following(SimWorker worker) => Following?.Invoke(worker);

    void ISimHome.Preparing(SimWorker worker)
    {
        if (Run is { FormedGenerations: > 0 })
        {
            PreparingToJoin?.Invoke(worker);
        }
    }

    void ISimHome.LoadingState(SimWorker worker) => LoadingState?.Invoke(worker);

    void ISimHome.Saved(RunId run, long step, ulong value)
    {
        if (step > Settings.Steps || _states[step] != value)
        {
            Violate($"a checkpoint of step {step} has other bits than the quiet run");
        }
    }

    (long Step, ulong Value) ISimHome.Load(RunId run, string? path)
    {
        if (path is null)
        {
            return (0, SimModel.InitialState);
        }

        var step = long.Parse(path.Split('-')[1], System.Globalization.CultureInfo.InvariantCulture);
        return (step, Disk.Load(step));
    }

    void ISimHome.Trace(SimProcess process, string what) => Trace(process, what);

    internal void StartWorker(int place)
    {
        var worker = new SimWorker(this, ++_processes, new Random(_random.Next()));
        _workers[place] = worker;
        _byName[worker.Name] = worker;
        worker.Start();
    }

    /// <summary>A fault that began now is over then.</summary>
    internal void Over(long micros)
    {
        Landed++;
        _faultsEnd = Math.Max(_faultsEnd, Clock.Micros + micros);
    }

    internal void Trace(SimProcess process, string what) => _trace?.Add($"{Clock.Micros / 1000.0,12:0.000} ms  {process.Name,-12} {what}");

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

        CheckRun();
        foreach (var worker in _workers)
        {
            // A joiner that hangs takes in what its donor sends until the coordinator ends the feed.
            if (worker is { HasHung: false, Member: { } member } && member.ReducedBuffers > MaxReducedBuffers + (MaxFeedBacklog * member.Feeds))
            {
                Violate($"{worker.Name} holds {member.ReducedBuffers} reduced gradients");
            }
        }

        return true;
    }

    /// <summary>The run's committed step only goes back when its members start from a checkpoint, and what the coordinator keeps of open steps is bounded.</summary>
    private void CheckRun()
    {
        if (Run is not { } run || ReferenceEquals(run, _lastRun))
        {
            return;
        }

        if (_coordinator.Term != _lastTerm)
        {
            // The next owner knows what was stored and what the ledger has; members tell it the rest.
            (_lastTerm, _lastRun) = (_coordinator.Term, null);
        }

        // Faults pass by themselves sooner than the patience with those who are all that is left of the state.
        if (run.Phase is RunPhase.Queued && _lastRun?.Crew is { } crew && (run.Progress.Checkpoint?.Step ?? 0) < run.Progress.Step
            && _evicted.FirstOrDefault(each => !each.Key.IsDead && crew.Members.ContainsKey(each.Value)).Key is { } holder)
        {
            Violate($"{holder.Name} ({_evicted[holder]}) was given up, and with it all that was left of the run's state");
        }

        var isLoaded = run.Phase is RunPhase.Running && _lastRun?.Phase is RunPhase.Preparing;
        if (_lastRun is { } last && run.Progress.Step < last.Progress.Step && !isLoaded)
        {
            Violate($"the run went from step {last.Progress.Step} back to {run.Progress.Step}");
        }

        // The others train on, and the one who cannot be heard with them, until its stream breaks.
        var isUnheard = _workers.Any(worker => Network.IsCut(worker, _coordinator.Process));

        // A new owner hears at once of all steps that were taken without one. Until the members have regrouped, one who left meanwhile is counted among those that take them.
        var isToldAtOnce = _coordinator.Term > 1 && run.Phase is RunPhase.Regrouping;
        if (run.Progress.Pending.Count > (isUnheard || isToldAtOnce ? ProgressRule.MaxPendingSteps : MaxPendingSteps) || run.Progress.Digests.Count > DigestRule.MaxOpenSteps || run.Joiners.Count > Settings.Workers + 2)
        {
            Violate($"the coordinator keeps {run.Progress.Pending.Count} open steps, {run.Progress.Digests.Count} digests and {run.Joiners.Count} joiners");
        }

        _lastRun = run;
    }

    /// <summary>Nothing was wrong for longer than any patience, so nobody may be given up.</summary>
    private void Evicted(SimWorker worker)
    {
        if (worker.Id is { } id)
        {
            _evicted[worker] = id;
        }

        if (!worker.IsDead && !worker.IsFrozen && (Landed == 0 || Clock.Micros > _faultsEnd + CalmMicros))
        {
            Violate($"{worker.Name} ({worker.Id}) was given up, and nothing was wrong with it");
        }
    }

    /// <summary>Another number of workers needs no failure, and neither does a worker that is told to end.</summary>
    private void Fenced()
    {
        if (!HasForced && _coordinator.Addresses.IsEmpty && _faults.All(fault => fault is Fault.Scale or Fault.Leave))
        {
            Violate("a generation was given up, and nothing had failed");
        }
    }

    private string? WhyNotGood(RunOutcome outcome) =>
        outcome.Result == RunResult.Succeeded && LedgerGap is { } gap && WhyNotLost(gap.Step, gap.Rank) is { } reason ? Describe(reason)
        : outcome.Result != RunResult.Succeeded ? Describe($"the run ended as {outcome.Result}: {outcome.Reason}")
        : outcome.WeightsSha256 != SimSettings.HashOf(_states[Settings.Steps]) ? Describe($"the run ended with {outcome.WeightsSha256}, not the quiet run's hash")
        : null;

    internal void Violate(string what) => _violation ??= Describe(what);

    private string Describe(string what) => $"at {Clock.Micros / 1000.0:0.000} ms: {what}";

    private JobSpec Job() => new()
    {
        Name = "sim",
        ProjectRoot = "/",
        Model = new MlpSpec(),
        Data = new TextDataSpec(["data"]),
        Training = new TrainingSpec { Steps = (int)Settings.Steps, GlobalBatch = 64, LogicalRanks = Settings.LogicalRanks },
        Workers = new WorkersSpec { Min = Settings.MinWorkers, Desired = Settings.Workers, Max = Settings.Workers + 2, Isa = "avx2", HangSeconds = SimSettings.HangSeconds },
        Checkpoint = new CheckpointSpec { EverySteps = (int)Settings.CheckpointEvery },
    };

    /// <summary>Steps are long and many enough that a take-over happens among them.</summary>
    private static SimSettings DrawOwned(Random random) => Draw(random) with { Steps = random.Next(8, 40), PassMicros = random.NextInt64(20_000, 150_000) };

    private static SimSettings Draw(Random random)
    {
        var workers = random.Next(1, 7);
        return new SimSettings
        {
            Workers = workers, MinWorkers = random.Next(3) == 0 ? random.Next(1, workers + 1) : 1, LogicalRanks = random.Next(1, 10), Steps = random.Next(3, 16),
            CheckpointEvery = random.Next(2, 8), PassMicros = random.NextInt64(500, 20_000),
        };
    }
}
