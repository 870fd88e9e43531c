using System.Collections.Concurrent;
using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>What a coordinator decided and has not carried out yet, by number: each effect with the state that it came from. It is carried out when its change is stored; the ledger is written before.</summary>
/// <remarks>Added to by the coordinator's actor; read and emptied in the order of the numbers by one piece of the ownership's work after the other.</remarks>
internal sealed class RunJournal
{
    /// <summary>Between two samples of a run that are kept: a chart needs no more.</summary>
    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(1);

    /// <summary>Samples of a run that wait for its next change. So many are stored by themselves: of a run that trains for hours without one they would be a transaction of minutes, and renewing the lease waits for that.</summary>
    public const int MostSamples = 60;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<long, Entry> _entries = new();
    private readonly Dictionary<RunId, long> _versions;
    private readonly Dictionary<RunId, DateTimeOffset> _sampledAt = [];
    private readonly List<(RunId Run, StepSample Sample)> _samples = [];
    private readonly Action _decided;
    private readonly TimeProvider _time;
    private (long First, JournalChanges Changes) _underWay = (0, JournalChanges.None);
    private long _last;
    private long _poolVersion;
    private int _refused;

    /// <param name="versions">Of the runs that the store has.</param>
    /// <param name="decided">Called after each effect that is added.</param>
    /// <param name="time">For samples and event lines.</param>
    public RunJournal(IEnumerable<KeyValuePair<RunId, long>> versions, Action decided, TimeProvider time) =>
        (_versions, _decided, _time) = (new Dictionary<RunId, long>(versions), decided, time);

    /// <summary>Writes of the pool that the store has.</summary>
    public long PoolVersion { init => _poolVersion = value; }

    /// <summary>Carries out what is stored, with the state that it came from and the time at which it was decided; set before the first effect comes.</summary>
    public Action<ClusterEffect, ClusterState, DateTimeOffset> CarryOut { get; set; } = (_, _, _) => throw new InvalidOperationException("Nobody carries effects out.");

    /// <summary>Asked before each effect is carried out: what was stored before this process froze is not told after it has thawed.</summary>
    public Func<bool> MayOrder { get; set; } = () => true;

    /// <summary>Effects that were decided and will not be carried out: the ownership was over.</summary>
    public int Dropped => _entries.Count + Volatile.Read(ref _refused);

    /// <summary>Nothing is carried out any more when this returns.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            CarryOut = (_, _, _) => { };
            MayOrder = () => false;
        }
    }

    public void Add(ClusterEffect effect, ClusterState state)
    {
        _entries[++_last] = new Entry(effect, state, _time.GetUtcNow());
        _decided();
    }

    /// <summary>The changes of these effects, as one transaction; nothing: none of them has to be stored. The same again when it is asked again.</summary>
    public JournalChanges Changes(long first, long last)
    {
        if (_underWay.First == first)
        {
            return _underWay.Changes;
        }

        var (changes, pool) = (new Dictionary<RunId, RunChange>(), (PoolSnapshot?)null);
        for (var number = first; number <= last; number++)
        {
            var entry = _entries[number];
            if (entry.Effect is ClusterEffect.StorePool)
            {
                pool = PoolSnapshot.Of(entry.State);
            }

            if (entry.Effect is not ClusterEffect.ForRun { Run: var id, Effect: var effect } || entry.State.Find(id) is not { } run)
            {
                continue;
            }

            if (effect is RunEffect.AppendLedger)
            {
                // Before the store: a run whose end is stored has its whole ledger, also when this process dies before the answer.
                CarryOutEarly(number, entry);
            }
            else if (effect is RunEffect.ReportStep step)
            {
                if (Sample(id, step.Report, entry.At))
                {
                    changes[id] = Change(changes.GetValueOrDefault(id), run, effect, entry.At);
                }
            }
            else if (IsStored(effect))
            {
                changes[id] = Change(changes.GetValueOrDefault(id), run, effect, entry.At);
            }
        }

        _underWay = (first, new JournalChanges([.. changes.Values.Select(Finish)], pool is null ? null : new PoolChange(OwnershipActor.Lease, ++_poolVersion, DurableJson.Write(pool))));
        return _underWay.Changes;
    }

    /// <summary>What was fed to the members is a fact, whoever owns the run; writing it tells nobody anything.</summary>
    private void CarryOutEarly(long number, Entry entry)
    {
        lock (_gate)
        {
            if (MayOrder())
            {
                CarryOut(entry.Effect, entry.State, entry.At);
                _entries[number] = entry with { IsCarriedOut = true };
            }
        }
    }

    /// <summary>They are stored.</summary>
    public void Release(long first, long last)
    {
        for (var number = first; number <= last; number++)
        {
            if (_entries.TryRemove(number, out var entry) && !entry.IsCarriedOut)
            {
                lock (_gate)
                {
                    if (MayOrder())
                    {
                        CarryOut(entry.Effect, entry.State, entry.At);
                    }
                    else
                    {
                        _refused++;
                    }
                }
            }
        }
    }

    /// <summary>Whatever a worker or a person is told rests on the run's state; what is only counted or written to the run folder does not.</summary>
    private static bool IsStored(RunEffect effect) => effect is RunEffect.Record or RunEffect.End or RunEffect.Tell { Message: not CoordinatorMessage.Recorded };

    private static RunChange Change(RunChange? before, RunState run, RunEffect effect, DateTimeOffset at)
    {
        var change = (before ?? new RunChange
        {
            Run = run.Id, Version = 0, Order = DurableJson.Write(run.Order), State = RunStates.Of(run), Generation = run.LastGeneration, Snapshot = "",
        }) with
        {
            State = RunStates.Of(run), IsEnded = run.Phase is RunPhase.Ended, Generation = run.LastGeneration, Snapshot = DurableJson.Write(RunSnapshot.Of(run)),
        };
        if (effect is not RunEffect.Record { Entry: var record })
        {
            return change;
        }

        change = change with { Events = change.Events.Add(new RunEventLine(RunRecordJson.NameOf(record), RunRecordJson.Line(record, run.Order, at))) };
        return record is RunRecord.CheckpointSaved saved
            ? change with { Checkpoints = change.Checkpoints.Add(new CheckpointRow(saved.Step, saved.Path, saved.WeightsSha256, at)) } : change;
    }

    private RunChange Finish(RunChange change)
    {
        var version = _versions.GetValueOrDefault(change.Run) + 1;
        _versions[change.Run] = version;
        var samples = _samples.Where(each => each.Run == change.Run).Select(each => each.Sample).ToImmutableArray();
        _samples.RemoveAll(each => each.Run == change.Run);
        return change with { Version = version, Samples = samples };
    }

    /// <summary>Kept until the run's next change is stored.</summary>
    /// <returns>Whether so many are kept that it is time for one.</returns>
    private bool Sample(RunId run, StepReport report, DateTimeOffset at)
    {
        if (_sampledAt.TryGetValue(run, out var before) && at - before < SampleEvery)
        {
            return false;
        }

        _sampledAt[run] = at;
        _samples.Add((run, new StepSample(
            report.Step, report.Generation, Finite(report.Loss), Finite(report.LearningRate), Finite(report.GradientNorm),
            report.SamplesPerSecond is { } rate ? Finite(rate) : null, Finite(report.Seconds.Step))));
        return _samples.Count(each => each.Run == run) >= MostSamples;
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private sealed record Entry(ClusterEffect Effect, ClusterState State, DateTimeOffset At)
    {
        public bool IsCarriedOut { get; init; }
    }
}
