using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Owners;

/// <summary>Two or three coordinators on one store under seeded faults, on virtual time: 20 s of faults, then 12 s in which everything must settle.</summary>
public sealed class OwnerCluster
{
    private const long FaultsEnd = 20_000_000;

    /// <summary>A lease, a retry, the latest message of the time of faults, and room.</summary>
    private const long SettledAt = FaultsEnd + 8_000_000;

    private const long End = FaultsEnd + 12_000_000;

    private readonly Dictionary<long, string> _terms = [];
    private readonly Random _random;
    private readonly SimSubject[] _subjects;
    private readonly SimOwner[] _owners;
    private int _lastChange;

    public OwnerCluster(int seed, OwnerBug bug = OwnerBug.None)
    {
        (Seed, Bug, _random) = (seed, bug, new Random(seed));
        Store = new SimStore(Clock, bug);
        Network = new SimStoreNetwork(Clock, _random, FaultsEnd);
        _subjects = [.. Enumerable.Range(0, 2).Select(_ => new SimSubject(Store, bug))];
        _owners = [.. Enumerable.Range(0, _random.Next(2, 4)).Select(i => new SimOwner(this, $"c-{i}", 0.95 + _random.NextDouble() / 10))];
        for (var count = _random.Next(2, 8); count > 0; count--)
        {
            Clock.At(_random.NextInt64(FaultsEnd), Strike);
        }
    }

    public int Seed { get; }

    public SimClock Clock { get; } = new();

    /// <summary>Faults that happened, by kind.</summary>
    public SortedDictionary<string, int> Faults { get; } = [];

    internal OwnerBug Bug { get; }

    internal SimStore Store { get; }

    internal SimStoreNetwork Network { get; }

    /// <returns>The promise that was broken; null: all were kept.</returns>
    public string? Play()
    {
        try
        {
            while (Clock.Micros < SettledAt && Clock.Step())
            {
            }

            var (term, stored, taken) = (Store.Term, Store.Log.Count, _subjects.Sum(subject => subject.Taken));
            while (Clock.Micros < End && Clock.Step())
            {
            }

            Promise.Keep(_owners.Count(owner => owner.MayOrder) == 1, $"{_owners.Count(owner => owner.MayOrder)} coordinators own the run after the faults: {string.Join(" ", _owners.Select(owner => owner.State.Reason))}");
            Promise.Keep(Store.Term == term, $"the term went from {term} to {Store.Term} without a fault");
            Promise.Keep(Store.Log.Count > stored && _subjects.Sum(subject => subject.Taken) > taken, "nothing was stored and told after the faults");
            Count();
            return null;
        }
        catch (BrokenPromiseException e)
        {
            return $"at {Clock.Micros / 1e6:0.000} s: {e.Message}";
        }
    }

    internal int NextChange() => ++_lastChange;

    internal void Adopted(string owner, long term) => Promise.Keep(_terms.TryAdd(term, owner), $"{owner} owns the run under term {term}, which {_terms[term]} has had");

    /// <summary>Orders to workers: never lost, for the stream would break, but as late as a frozen host or a full link makes them.</summary>
    internal void Tell(long term, int change)
    {
        foreach (var subject in _subjects)
        {
            Clock.After(Clock.Micros < FaultsEnd && _random.Next(20) == 0 ? _random.Next(5_000_000) : _random.Next(100, 5_000), () => subject.Hear(term, change));
        }
    }

    private void Strike()
    {
        var owner = _owners[_random.Next(_owners.Length)];
        var micros = _random.NextInt64(100_000, Math.Max(200_000, Math.Min(8_000_000, FaultsEnd - Clock.Micros)));
        var kind = _random.Next(3) switch { 0 => "freeze", 1 => "kill", _ => "store down" };
        switch (kind)
        {
            case "freeze" when owner.IsUp:
                owner.Freeze(micros);
                break;
            case "kill" when owner.IsUp:
                owner.Kill(micros);
                break;
            case "store down":
                Store.DownUntil = Clock.Micros + micros;
                break;
            default:
                return;
        }

        Add(kind, 1);
    }

    private void Count()
    {
        foreach (var (kind, count) in new[]
        {
            ("lost", Network.Lost), ("late", Network.Late), ("doubled", Network.Doubled), ("writes refused", Store.Refused),
            ("orders refused", _subjects.Sum(subject => subject.Refused)), ("take-overs", _terms.Count - 1), ("orders taken", _subjects.Sum(subject => subject.Taken)),
        })
        {
            Add(kind, count);
        }
    }

    private void Add(string kind, int count) => Faults[kind] = Faults.GetValueOrDefault(kind) + count;
}
