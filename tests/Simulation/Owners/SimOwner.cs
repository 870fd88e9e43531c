using Orchestrator.Coordinator.Core.Ownership;

namespace Orchestrator.Simulation.Owners;

/// <summary>One coordinator process around the real <see cref="OwnershipMachine"/>. It can freeze, die and start again, and its clock runs at its own rate.</summary>
internal sealed class SimOwner
{
    private readonly OwnerCluster _cluster;
    private readonly string _name;
    private readonly double _rate;
    private readonly Dictionary<long, int> _decided = [];
    private int _life;
    private long _frozenUntil;
    private long? _loadedVersion;
    private OwnershipState _state = new();

    public SimOwner(OwnerCluster cluster, string name, double rate)
    {
        (_cluster, _name, _rate) = (cluster, name, rate);
        Start();
    }

    public bool IsUp { get; private set; }

    public bool IsFrozen => _cluster.Clock.Micros < _frozenUntil;

    public bool MayOrder => IsUp && _loadedVersion is not null && _state.MayOrder(Now);

    public OwnershipState State => _state;

    private DateTimeOffset Now => DateTimeOffset.UnixEpoch + TimeSpan.FromMicroseconds(_cluster.Clock.Micros * _rate);

    private string Owner => _cluster.Bug == OwnerBug.StintHasNoName ? $"{_name}.{_life}" : $"{_name}.{_life}/{_state.Stint}";

    public void Freeze(long micros) => _frozenUntil = _cluster.Clock.Micros + micros;

    public void Kill(long micros)
    {
        (IsUp, _loadedVersion) = (false, null);
        _life++;
        _cluster.Clock.After(micros, Start);
    }

    private void Start()
    {
        if (IsUp)
        {
            return;
        }

        (IsUp, _state, _frozenUntil) = (true, new OwnershipState(), 0);
        _decided.Clear();
        var life = ++_life;
        Repeat(life, (long)_state.Times.TickInterval.TotalMicroseconds, () => Take(new OwnershipEvent.Tick()));
        Repeat(life, 70_000, Decide);
    }

    private void Repeat(int life, long every, Action act) => _cluster.Clock.After(every, () =>
    {
        if (_life == life)
        {
            Awake(life, act);
            Repeat(life, every, act);
        }
    });

    /// <summary>What reaches a frozen process waits until it thaws.</summary>
    private void Awake(int life, Action act)
    {
        if (_life != life)
        {
            return;
        }

        if (IsFrozen)
        {
            _cluster.Clock.At(_frozenUntil, () => Awake(life, act));
            return;
        }

        act();
    }

    /// <summary>What a run does all the time: something changes, and workers are told.</summary>
    private void Decide()
    {
        if (MayOrder && _state.Phase is OwnershipPhase.Owning { Writes: var writes } && writes.Last - writes.Stored < 200)
        {
            _decided[writes.Last + 1] = _cluster.NextChange();
            var term = ((OwnershipPhase.Owning)_state.Phase).Term;
            if (_cluster.Bug == OwnerBug.ToldBeforeStored)
            {
                _cluster.Tell(term, _decided[writes.Last + 1]);
            }

            Take(new OwnershipEvent.Decided());
        }
    }

    private void Take(OwnershipEvent @event)
    {
        if (_cluster.Bug == OwnerBug.OldAnswersCount && @event is OwnershipEvent.Granted granted)
        {
            @event = granted with { Request = (_state.Phase as OwnershipPhase.Taking)?.Request ?? granted.Request };
        }

        var (before, sentWrites) = (_state, (_state.Phase as OwnershipPhase.Owning)?.Writes.Sent ?? 0);
        var (next, effects) = OwnershipMachine.Step(_state, @event, Now);
        _state = Spoil(before, next, @event);
        foreach (var effect in effects)
        {
            if (effect is OwnershipEffect.Write write && _cluster.Bug == OwnerBug.NeverSentAgain && write.Last <= sentWrites && before.Phase is OwnershipPhase.Owning)
            {
                continue;
            }

            Act(effect);
        }
    }

    private OwnershipState Spoil(OwnershipState before, OwnershipState after, OwnershipEvent @event) => (_cluster.Bug, after.Phase) switch
    {
        (OwnerBug.CountedFromAnswer, OwnershipPhase.Owning owning) when @event is OwnershipEvent.Granted && owning != before.Phase =>
            after with { Phase = owning with { HoldsUntil = Now + after.Times.Length - after.Times.Margin } },
        (OwnerBug.NoLookAtClock, OwnershipPhase.Owning owning) => after with { Phase = owning with { HoldsUntil = DateTimeOffset.MaxValue } },
        (OwnerBug.NeverRenewed, OwnershipPhase.Owning owning) => after with { Phase = owning with { RenewAt = DateTimeOffset.MaxValue, Renewal = null } },
        _ => after,
    };

    private void Act(OwnershipEffect effect)
    {
        var (store, owner, length) = (_cluster.Store, Owner, _state.Times.Length);
        switch (effect)
        {
            case OwnershipEffect.Take take:
                Ask(() => store.Take(owner, length), answer => answer.IsGranted
                    ? new OwnershipEvent.Granted(take.Request, answer.Term) : new OwnershipEvent.NotGranted(take.Request, answer.Remaining, "another has it"),
                    new OwnershipEvent.RequestFailed(take.Request, "the store is down"));
                break;
            case OwnershipEffect.Renew renew:
                Ask<bool>(() => store.Renew(owner, renew.Term, length), isKept => isKept
                    ? new OwnershipEvent.Granted(renew.Request, renew.Term) : new OwnershipEvent.NotGranted(renew.Request, TimeSpan.Zero, "it lapsed"),
                    new OwnershipEvent.RequestFailed(renew.Request, "the store is down"));
                break;
            case OwnershipEffect.Adopt adopt:
                _cluster.Adopted(owner, adopt.Term);
                (_loadedVersion, _) = (null, 0);
                _decided.Clear();
                Load(adopt.Term);
                break;
            case OwnershipEffect.Write write:
                Write(write, owner);
                break;
            case OwnershipEffect.Release release:
                Release(release, owner);
                break;
            case OwnershipEffect.GiveUp:
                _loadedVersion = null;
                _decided.Clear();
                break;
            case OwnershipEffect.Surrender surrender:
                store.Surrender(owner, surrender.Term);
                break;
        }
    }

    private void Load(long term) => Ask<long>(() => _cluster.Store.Version, version =>
    {
        if (_state.Phase is OwnershipPhase.Owning owning && owning.Term == term)
        {
            _loadedVersion ??= version;
        }

        return null;
    }, null, () => Load(term));

    private void Write(OwnershipEffect.Write write, string owner)
    {
        // One version for each transaction; those of this term are counted from the one that was loaded.
        _batches.TryAdd((write.Term, write.First), (_loadedVersion!.Value + 1 + _batches.Keys.Count(key => key.Term == write.Term), [.. Range(write.First, write.Last)]));
        var (version, changes) = _batches[(write.Term, write.First)];
        var all = _cluster.Bug == OwnerBug.ResentWithMore && _state.Phase is OwnershipPhase.Owning owning ? [.. Range(write.First, owning.Writes.Last)] : changes;
        if (_cluster.Bug == OwnerBug.ResentWithMore && _state.Phase is OwnershipPhase.Owning more)
        {
            _state = _state with { Phase = more with { Writes = more.Writes with { Sent = more.Writes.Last } } };
            write = write with { Last = more.Writes.Last };
        }

        Ask<string?>(() => _cluster.Store.Write(owner, write.Term, version, all), problem => problem is null
            ? new OwnershipEvent.Stored(write.Term, write.Last) : new OwnershipEvent.WriteRefused(write.Term, problem),
            new OwnershipEvent.WriteFailed(write.Term, write.Last, "the store is down"));
    }

    private readonly Dictionary<(long Term, long First), (long Version, int[] Changes)> _batches = [];

    private IEnumerable<int> Range(long first, long last)
    {
        for (var number = first; number <= last; number++)
        {
            yield return _decided[number];
        }
    }

    private void Release(OwnershipEffect.Release release, string owner)
    {
        Promise.Keep(_cluster.Store.IsHeldBy(owner, release.Term), $"{owner} gives orders under term {release.Term}, and the store's lease is {_cluster.Store.Owner}'s under term {_cluster.Store.Term} until {_cluster.Store.ExpiresAt} us");
        foreach (var change in Range(release.First, release.Last).Where(_ => _cluster.Bug != OwnerBug.ToldBeforeStored))
        {
            _cluster.Tell(release.Term, change);
        }
    }

    /// <summary>A request over the network: it may be lost, late or come twice, and so may its answer.</summary>
    private void Ask<T>(Func<T> request, Func<T, OwnershipEvent?> hear, OwnershipEvent? failed, Action? again = null)
    {
        var life = _life;
        if (again is not null)
        {
            // The shell asks again until it is answered.
            _cluster.Clock.After(400_000, () => Awake(life, () =>
            {
                if (_loadedVersion is null && _state.Phase is OwnershipPhase.Owning)
                {
                    again();
                }
            }));
        }

        _cluster.Network.Send(() =>
        {
            if (_cluster.Store.IsDown)
            {
                _cluster.Network.Send(() => Awake(life, () => Take(failed)));
                return;
            }

            var answer = request();
            _cluster.Network.Send(() => Awake(life, () => Take(hear(answer))));
        });

        void Take(OwnershipEvent? @event)
        {
            if (@event is not null)
            {
                this.Take(@event);
            }
        }
    }
}
