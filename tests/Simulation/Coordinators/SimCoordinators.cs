using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Simulation.Owners;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>Several coordinators on one store, of which one at a time directs the runs.</summary>
internal sealed class SimCoordinators : ISimControl
{
    private const long AskAgainMicros = 300_000;

    private readonly OwnedCoordinator[] _processes;
    private readonly Dictionary<string, string?> _hints = [];
    private readonly Dictionary<RunId, RunOutcome> _outcomes = [];
    private readonly Dictionary<RunId, SimLedger> _ledgers = [];
    private readonly Random _random;
    private int _starts;

    /// <param name="world">Clock, network, settings, and who is told of what.</param>
    /// <param name="random">The seed's.</param>
    /// <param name="count">Of coordinators.</param>
    /// <param name="storeFaultsEnd">Until then answers of the store are lost, late and doubled.</param>
    public SimCoordinators(SimOwnerWorld world, Random random, int count, long storeFaultsEnd)
    {
        (World, _random) = (world, random);
        Store = new SimRunStore(world.Clock, world.Settings.Bug.StoreTakesAnyTerm);
        StoreNetwork = new SimStoreNetwork(world.Clock, random, storeFaultsEnd);
        Addresses = [.. Enumerable.Range(0, count).Select(i => $"c-{i}")];
        _processes = [.. Addresses.Select(Create)];
    }

    public SimOwnerWorld World { get; }

    public SimRunStore Store { get; }

    public SimStoreNetwork StoreNetwork { get; }

    public ImmutableArray<string> Addresses { get; }

    public TimeSpan Jumped { get; private set; }

    public OwnedCoordinator? Owner => _processes.Where(each => each is { IsDead: false, IsFrozen: false, Cluster: not null } && Store.Leases.IsHeldBy(each.OwnerName, each.Term)).FirstOrDefault();

    public SimProcess Process => Owner ?? _processes[0];

    public ClusterState? State => Owner?.Cluster;

    public long Term => Owner?.Term ?? 0;

    public bool HasWarned => Store.HasWarned;

    public int Loads => Store.Loads;

    public RunOutcome? OutcomeOf(RunId run) => _outcomes.GetValueOrDefault(run);

    public SimLedger LedgerOf(RunId run) => _ledgers.TryGetValue(run, out var ledger) ? ledger : _ledgers[run] = new SimLedger();

    /// <summary>The end has been told, or the next owner finds a run that has ended.</summary>
    public void Told(RunId run, RunOutcome outcome) => _outcomes.TryAdd(run, outcome);

    public void Start()
    {
        foreach (var process in _processes)
        {
            process.Start();
        }
    }

    public void Ask(RunId about, ClusterEvent @event)
    {
        if (State?.Find(about) is { } run)
        {
            if (run.Phase is not RunPhase.Ended)
            {
                Owner!.Post(@event);
            }
        }
        else
        {
            World.Clock.After(AskAgainMicros, () => Ask(about, @event));
        }
    }

    /// <summary>The one that was asked may be lost before it answers.</summary>
    public void Drain(SimWorker worker, bool isUndone, Action<bool> over)
    {
        var isOver = false;
        Ask();

        void Ask()
        {
            if (!isOver && worker.IsDead)
            {
                End(false);
            }

            if (isOver)
            {
                return;
            }

            if (Owner is { } owner && owner.IdOf(worker) is { } id && owner.Cluster!.Workers.ContainsKey(id))
            {
                owner.Ask(isUndone ? new ClusterEvent.TakeBackRequested(id) : new ClusterEvent.DrainRequested(id), () => End(true));
            }

            World.Clock.After(AskAgainMicros, Ask);
        }

        void End(bool isAnswered)
        {
            if (!isOver)
            {
                isOver = true;
                over(isAnswered);
            }
        }
    }

    public void Jump(TimeSpan by) => Jumped += by;

    public SimStream Attach(SimWorker worker, string key, string? address, Action<string> lost) => _processes[Addresses.IndexOf(address!)].Attach(worker, key, lost);

    public string? HintOf(string key) => _hints.Remove(key, out var hint) ? hint : null;

    public void Hint(string key, string? owner) => _hints[key] = owner;

    /// <summary>Another process takes the place of one that died.</summary>
    public void Restart(OwnedCoordinator former)
    {
        var index = Array.IndexOf(_processes, former);
        if (index >= 0)
        {
            _processes[index] = Create(Addresses[index]);
            _processes[index].Start();
        }
    }

    public OwnedCoordinator Draw(double which) => Owner ?? _processes[(int)(which * _processes.Length)];

    /// <summary>A person submits until the run is known; it has one id.</summary>
    public void Submit(RunOrder order)
    {
        if (Store.Find(order.Id) is null)
        {
            Owner?.Post(new ClusterEvent.RunSubmitted(order));
            World.Clock.After(AskAgainMicros, () => Submit(order));
        }
    }

    private OwnedCoordinator Create(string address) => new(this, address, ++_starts, 0.98 + (_random.NextDouble() / 25));
}

/// <summary>What coordinators need of the world around them.</summary>
/// <param name="Evicted">Told who is given up.</param>
/// <param name="Fenced">Told that a generation is given up.</param>
internal sealed record SimOwnerWorld(
    SimClock Clock, SimNetwork Network, SimSettings Settings, Action<SimProcess, string> Trace, Action<SimWorker> Evicted, Action Fenced)
{
    /// <summary>Whether the ledgers' disk takes nothing now.</summary>
    public Func<bool> IsLedgerDiskFull { get; init; } = () => false;
}
