using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Ownership;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>One of several coordinators: the real ownership machine, and while it owns the runs the real cluster machine. What is decided is carried out when it is stored.</summary>
internal sealed class OwnedCoordinator : SimProcess, ISimEndpoint
{
    private static readonly OwnershipTimes Times = new();

    private readonly SimCoordinators _all;
    private readonly int _start;
    private readonly double _rate;
    private readonly WorkerStreams _streams;
    private readonly Dictionary<long, (ImmutableArray<ClusterEffect> Effects, ClusterState State)> _journal = [];
    private readonly Dictionary<long, (long Version, StoredChanges Changes)> _writes = [];
    private readonly Dictionary<long, Action> _asked = [];
    private OwnershipState _ownership = new() { Times = Times };
    private (string Owner, long Until) _sight = ("", 0);
    private long _last;
    private long _version;
    private long _lastAsker;
    private int _tenure;
    private int? _dieAfter;

    public OwnedCoordinator(SimCoordinators all, string address, int start, double rate)
        : base(all.World.Clock, address)
    {
        (_all, _start, _rate) = (all, start, rate);
        _streams = new WorkerStreams(this, all.World.Network, Post, what => all.World.Trace(this, what), all.World.Evicted);
    }

    SimProcess ISimEndpoint.Process => this;

    /// <summary>Null: it stands by.</summary>
    public ClusterState? Cluster { get; private set; }

    public long Term { get; private set; }

    /// <summary>At the store.</summary>
    public string OwnerName => $"{Name}#{_start}/{_ownership.Stint}";

    public bool MayOrder => Cluster is not null && _ownership.MayOrder(Now);

    private DateTimeOffset Now => DateTimeOffset.UnixEpoch + TimeSpan.FromMicroseconds(_all.World.Clock.Micros * _rate);

    private Faults.Bug Bug => _all.World.Settings.Bug;

    public void Start() => Repeat((long)Times.TickInterval.TotalMicroseconds, () => Own(new OwnershipEvent.Tick()), () => true);

    /// <summary>It dies when it has carried out so many orders more: 0 is at once.</summary>
    public void DieAfter(int orders)
    {
        _dieAfter = orders;
        if (orders == 0)
        {
            Die();
        }
    }

    public SimStream Attach(SimWorker worker, string key, Action<string> lost) => _streams.Open(worker, key, lost);

    /// <param name="event">What a person asks for.</param>
    /// <param name="answered">Called when all that comes of it is carried out, and so stored; never, when this coordinator does not come to it.</param>
    public void Ask(ClusterEvent @event, Action answered)
    {
        _asked[++_lastAsker] = answered;
        Post(@event with { Asker = _lastAsker });
    }

    /// <summary>Null: the worker is not attached here.</summary>
    public WorkerId? IdOf(SimWorker worker) => _streams.IdOf(worker);

    public void Post(ClusterEvent @event)
    {
        if (Cluster is not { } before)
        {
            return;
        }

        (var after, var effects) = ClusterMachine.Step(before, @event, _all.World.Clock.Now + _all.Jumped);
        Cluster = after;
        if (@event is not (ClusterEvent.Tick or ClusterEvent.WorkerSaid { Message: WorkerMessage.Heartbeat }))
        {
            _all.World.Trace(this, @event.ToString());
        }

        effects = [.. Bug.Cluster(before, @event, after, effects)];
        if (effects.IsEmpty)
        {
            return;
        }

        foreach (var effect in effects)
        {
            CheckRecorded(effect);
        }

        // All that comes of one event is stored together, as the coordinator's journal does it.
        _journal[++_last] = (effects, after);
        if (Bug.TellsBeforeStored)
        {
            foreach (var effect in effects)
            {
                Carry(effect);
            }
        }

        Own(new OwnershipEvent.Decided());
    }

    public SimTaking Take(string key, object message, out string? objection)
    {
        if (message is WorkerMessage.Hello && Cluster is null)
        {
            _all.Hint(key, _all.World.Clock.Micros < _sight.Until ? _sight.Owner : null);
            objection = $"{Name} stands by";
            return SimTaking.Refused;
        }

        return _streams.Take(key, message, out objection);
    }

    public void Ended(string key, SimProcess from, string? reason) => _streams.Lose(key, reason ?? "it ended");

    protected override void Died()
    {
        _all.World.Trace(this, "dies");
        _all.World.Network.Died(this);
    }

    /// <summary>When it is decided: what somebody tells of a lost member's step behind that is in the report of a later one.</summary>
    private void CheckRecorded(ClusterEffect effect)
    {
        if (effect is ClusterEffect.ForRun { Run: var run, Effect: RunEffect.Tell { Message: CoordinatorMessage.Recorded recorded } } && _all.LedgerOf(run).UnwrittenFrom is { } from && from <= recorded.Step)
        {
            throw new SimViolationException($"{Name} tells members that step {recorded.Step} is recorded, and the ledger's disk has not taken step {from}");
        }
    }

    private void Own(OwnershipEvent @event)
    {
        (_ownership, var effects) = OwnershipMachine.Step(_ownership, @event, Now);
        foreach (var effect in effects)
        {
            Carry(effect);
        }
    }

    private void Carry(OwnershipEffect effect)
    {
        var (leases, owner) = (_all.Store.Leases, OwnerName);
        switch (effect)
        {
            case OwnershipEffect.Take take:
                Ask(() => leases.Take(owner, Times.Length), answer => Own(See(answer).IsGranted
                    ? new OwnershipEvent.Granted(take.Request, answer.Term) : new OwnershipEvent.NotGranted(take.Request, answer.Remaining, "another has it")),
                    () => Own(new OwnershipEvent.RequestFailed(take.Request, "the store is down")));
                break;
            case OwnershipEffect.Renew renew:
                Ask(() => leases.Renew(owner, renew.Term, Times.Length), isKept => Own(isKept
                    ? new OwnershipEvent.Granted(renew.Request, renew.Term) : new OwnershipEvent.NotGranted(renew.Request, TimeSpan.Zero, "it lapsed")),
                    () => Own(new OwnershipEvent.RequestFailed(renew.Request, "the store is down")));
                break;
            case OwnershipEffect.Adopt adopt:
                _all.World.Trace(this, $"owns the runs under term {adopt.Term}");
                (Term, _last) = (adopt.Term, 0);
                _journal.Clear();
                _writes.Clear();
                _asked.Clear();
                Load(++_tenure);
                break;
            case OwnershipEffect.Write write:
                Write(write, owner);
                break;
            case OwnershipEffect.Release release:
                Release(release);
                break;
            case OwnershipEffect.GiveUp given:
                _all.World.Trace(this, $"gives no orders any more (term {given.Term}): {given.Reason}");
                _tenure++;
                Cluster = null;
                _journal.Clear();
                _streams.LoseAll("it does not own the runs any more");
                break;
            case OwnershipEffect.Surrender surrender:
                leases.Surrender(owner, surrender.Term);
                break;
        }
    }

    private (bool IsGranted, long Term, TimeSpan Remaining) See((bool IsGranted, long Term, TimeSpan Remaining) answer)
    {
        _sight = answer.IsGranted ? ("", 0) : (_all.Store.Leases.Owner.Split('#')[0], _all.World.Clock.Micros + (long)answer.Remaining.TotalMicroseconds);
        return answer;
    }

    /// <summary>Asked again until it is answered, or the ownership is over.</summary>
    private void Load(int tenure)
    {
        if (_tenure != tenure || Cluster is not null)
        {
            return;
        }

        Ask(_all.Store.Load, found => Adopt(tenure, found), () => { });
        After(400_000, () => Load(tenure));
    }

    private void Adopt(int tenure, (ImmutableArray<StoredRow> Rows, PoolSnapshot Pool, long Version, long LastNumber) found)
    {
        // It may have been frozen while it was asked for; the files of the run are another's then.
        if (_tenure != tenure || Cluster is not null || !_ownership.MayOrder(Now))
        {
            return;
        }

        _version = found.Version;
        Cluster = new ClusterState { Options = new ClusterOptions("sim", SimSettings.Waits) { IsDurable = true } };
        Post(new ClusterEvent.RunsAdopted(Bug.Adopted([.. found.Rows.Select(Revive)]), found.LastNumber) { Pool = Bug.AdoptedPool(found.Pool) });
        foreach (var row in found.Rows.Where(row => row.Snapshot.Phase is SnapshotPhase.Ended))
        {
            _all.Told(row.Order.Id, row.Snapshot.Outcome!);
        }

        Repeat((long)LivenessRule.TickInterval.TotalMicroseconds, Tick, () => _tenure == tenure);
    }

    /// <summary>A run as it was stored last, and its ledger, whose only writer this coordinator is from now on.</summary>
    private RevivedRun Revive(StoredRow row)
    {
        var tail = _all.LedgerOf(row.Order.Id).TakeOver(this, _all.World.Settings.LogicalRanks);
        return new RevivedRun(row.Order, Bug.Stored(row.Snapshot), row.Snapshot.Phase is SnapshotPhase.Ended ? LedgerTail.Empty : tail);
    }

    private void Tick()
    {
        Post(new ClusterEvent.Tick());
        if (MayOrder)
        {
            _streams.Beat(Term);
        }
    }

    private void Write(OwnershipEffect.Write write, string owner)
    {
        if (!_writes.TryGetValue(write.First, out var batch))
        {
            var all = Enumerable.Range((int)write.First, (int)(write.Last - write.First + 1)).ToList();
            WriteLedger(all);
            var changes = StoredChanges.Of([.. all.SelectMany(number => _journal.TryGetValue(number, out var turn) ? turn.Effects.Select(effect => (effect, turn.State)) : [])]);
            changes = Bug.StoresOneRun && changes.Runs.Length > 1 ? changes with { Runs = [changes.Runs[^1]] } : changes;
            _writes[write.First] = batch = changes.IsEmpty ? (0, changes) : (++_version, changes);
        }

        if (batch.Changes.IsEmpty)
        {
            After(20, () => Own(new OwnershipEvent.Stored(write.Term, write.Last)));
            return;
        }

        Ask(() => _all.Store.Write(owner, write.Term, batch.Version, batch.Changes.Runs, batch.Changes.Pool), problem => Own(problem is null
            ? new OwnershipEvent.Stored(write.Term, write.Last) : new OwnershipEvent.WriteRefused(write.Term, problem)),
            () => Own(new OwnershipEvent.WriteFailed(write.Term, write.Last, "the store is down")));
    }

    /// <summary>Before the store, as the journal does it: what was fed is a fact.</summary>
    private void WriteLedger(List<int> numbers)
    {
        foreach (var number in numbers.Where(_ => MayOrder))
        {
            var (effects, state) = _journal[number];
            _journal[number] = ([.. effects.Where(effect => !IsLedger(effect))], state);
            foreach (var effect in effects.Where(IsLedger))
            {
                Carry(effect);
            }
        }
    }

    private static bool IsLedger(ClusterEffect effect) => effect is ClusterEffect.ForRun { Effect: RunEffect.AppendLedger };

    private void WriteLedger(RunId run, RunEffect.AppendLedger append)
    {
        if (_all.LedgerOf(run).Write(run, append, _all.World.IsLedgerDiskFull(), this) is not { } told)
        {
            return;
        }

        var tenure = _tenure;
        After(0, () =>
        {
            if (_tenure == tenure)
            {
                Post(told);
            }
        });
    }

    private void Release(OwnershipEffect.Release release)
    {
        for (var number = release.First; number <= release.Last && !IsDead; number++)
        {
            if (_journal.Remove(number, out var turn) && !Bug.TellsBeforeStored)
            {
                foreach (var effect in turn.Effects.Where(_ => MayOrder && !IsDead))
                {
                    Carry(effect);
                }
            }
        }
    }

    private void Carry(ClusterEffect effect)
    {
        if (effect is ClusterEffect.ForRun { Effect: RunEffect.Tell tell } order)
        {
            _all.World.Trace(this, $"tells {tell.Worker}: {tell.Message}");
            CheckOrder(order.Run, tell.Message);
        }

        switch (effect)
        {
            case ClusterEffect.ForRun { Effect: RunEffect.StartTimer timer } of:
                var tenure = _tenure;
                After((long)timer.After.TotalMicroseconds, () =>
                {
                    if (_tenure == tenure)
                    {
                        Post(new ClusterEvent.TimerFired(of.Run, timer.Timer, timer.Generation));
                    }
                });
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.AppendLedger append } of:
                WriteLedger(of.Run, append);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.End end } of:
                _all.Told(of.Run, end.Outcome);
                break;
            case ClusterEffect.Answer answer when _asked.Remove(answer.Asker, out var answered):
                answered();
                break;
            default:
                _streams.Carry(effect, Term, Times.Length + Times.RetryAfter);
                break;
        }

        if (_dieAfter is { } left && effect is ClusterEffect.ForRun { Effect: RunEffect.Tell or RunEffect.Record })
        {
            _dieAfter = left - 1;
            if (left <= 1)
            {
                Die();
            }
        }
    }

    /// <summary>What is told rests on what is stored, and only the holder of the lease tells.</summary>
    private void CheckOrder(RunId run, CoordinatorMessage message)
    {
        if (!_all.Store.Leases.IsHeldBy(OwnerName, Term))
        {
            throw new SimViolationException($"{Name} gives {message.GetType().Name} under term {Term}, and the lease is {_all.Store.Leases.Owner}'s under term {_all.Store.Leases.Term}");
        }

        if (message is CoordinatorMessage.Fence { Generation: var fenced })
        {
            _all.World.Fenced();
            Require(fenced);
        }
        else if (message is CoordinatorMessage.Activate { Generation: var active })
        {
            Require(active);
        }
        else if (message is CoordinatorMessage.Switch { Generation: var next })
        {
            Require(next);
        }

        void Require(Generation told)
        {
            if (_all.Store.Find(run)?.Snapshot is not { } stored || stored.LastGeneration < told)
            {
                throw new SimViolationException($"{Name} tells of {told} of {run}, and the store knows generations up to {_all.Store.Find(run)?.Snapshot.LastGeneration}");
            }
        }
    }

    /// <summary>A request over the network: it may be lost, late or come twice, and so may its answer.</summary>
    private void Ask<T>(Func<T> request, Action<T> hear, Action failed) => _all.StoreNetwork.Send(() =>
    {
        if (_all.Store.Leases.IsDown)
        {
            _all.StoreNetwork.Send(() => Happen(failed));
            return;
        }

        var answer = request();
        _all.StoreNetwork.Send(() => Happen(() => hear(answer)));
    });

    private void Repeat(long micros, Action act, Func<bool> goesOn) => After(micros, () =>
    {
        if (goesOn())
        {
            act();
            Repeat(micros, act, goesOn);
        }
    });
}
