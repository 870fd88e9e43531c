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

/// <summary>What a coordinator decided and has not carried out yet, by number: the effects of each event with the state that they came from. They are carried out when their change is stored; the ledger is written before.</summary>
/// <remarks>All that comes of one event is one transaction's: were its parts stored one after the other, an owner that dies between them would leave a state whose event nobody tells. Added to by the coordinator's actor; read and emptied in the order of the numbers by one piece of the ownership's work after the other.</remarks>
internal sealed class RunJournal
{
    /// <summary>Between two samples of a run that are kept: a chart needs no more.</summary>
    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(1);

    /// <summary>Samples of a run that wait for its next change. So many are stored by themselves: of a run that trains for hours without one they would be a transaction of minutes, and renewing the lease waits for that.</summary>
    public const int MostSamples = 60;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<long, Turn> _turns = new();
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
    /// <param name="decided">Called after each turn that is added.</param>
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
    public int Dropped => _turns.Values.Sum(turn => turn.Effects.Length) + Volatile.Read(ref _refused);

    /// <summary>Nothing is carried out any more when this returns.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            CarryOut = (_, _, _) => { };
            MayOrder = () => false;
        }
    }

    /// <param name="effects">All of one event.</param>
    /// <param name="state">That the event left.</param>
    public void Add(ImmutableArray<ClusterEffect> effects, ClusterState state)
    {
        _turns[++_last] = new Turn(effects, state, _time.GetUtcNow());
        _decided();
    }

    /// <summary>The changes of these turns, as one transaction; nothing: none of them has to be stored. The same again when it is asked again.</summary>
    public JournalChanges Changes(long first, long last)
    {
        if (_underWay.First == first)
        {
            return _underWay.Changes;
        }

        var (changes, pool) = (new Dictionary<RunId, (RunState Run, ImmutableArray<(RunRecord Entry, DateTimeOffset At)> Records)>(), (PoolSnapshot?)null);
        for (var number = first; number <= last; number++)
        {
            // Before the store: a run whose end is stored has its whole ledger, also when this process dies before the answer.
            WriteLedger(number);
            var turn = _turns[number];
            if (turn.Effects.Any(effect => effect is ClusterEffect.StorePool))
            {
                pool = PoolSnapshot.Of(turn.State);
            }

            foreach (var effects in turn.Effects.OfType<ClusterEffect.ForRun>().GroupBy(effect => effect.Run, effect => effect.Effect))
            {
                if (turn.State.Find(effects.Key) is { } run && IsChange(run.Id, [.. effects], turn.At))
                {
                    var before = changes.TryGetValue(run.Id, out var change) ? change.Records : [];
                    changes[run.Id] = (run, before.AddRange(effects.OfType<RunEffect.Record>().Select(record => (record.Entry, turn.At))));
                }
            }
        }

        _underWay = (first, new JournalChanges([.. changes.Values.Select(change => Change(change.Run, change.Records))], pool is null ? null : new PoolChange(OwnershipActor.Lease, ++_poolVersion, DurableJson.Write(pool))));
        return _underWay.Changes;
    }

    /// <summary>What was fed to the members is a fact, whoever owns the run; writing it tells nobody anything.</summary>
    private void WriteLedger(long number)
    {
        var turn = _turns[number];
        if (!turn.Effects.Any(IsLedger))
        {
            return;
        }

        lock (_gate)
        {
            if (MayOrder())
            {
                foreach (var effect in turn.Effects.Where(IsLedger))
                {
                    CarryOut(effect, turn.State, turn.At);
                }

                _turns[number] = turn with { Effects = [.. turn.Effects.Where(effect => !IsLedger(effect))] };
            }
        }
    }

    private static bool IsLedger(ClusterEffect effect) => effect is ClusterEffect.ForRun { Effect: RunEffect.AppendLedger };

    /// <summary>They are stored.</summary>
    public void Release(long first, long last)
    {
        for (var number = first; number <= last; number++)
        {
            if (_turns.TryRemove(number, out var turn))
            {
                foreach (var effect in turn.Effects)
                {
                    Release(effect, turn);
                }
            }
        }
    }

    private void Release(ClusterEffect effect, Turn turn)
    {
        lock (_gate)
        {
            if (MayOrder())
            {
                CarryOut(effect, turn.State, turn.At);
            }
            else
            {
                _refused++;
            }
        }
    }

    /// <summary>Whether what came of an event for a run has to be stored; takes its samples in.</summary>
    private bool IsChange(RunId run, RunEffect[] effects, DateTimeOffset at) =>
        effects.OfType<RunEffect.ReportStep>().Count(step => Sample(run, step.Report, at)) > 0 | effects.Any(IsStored);

    /// <summary>Whatever a worker or a person is told rests on the run's state; what is only counted or written to the run folder does not.</summary>
    private static bool IsStored(RunEffect effect) => effect is RunEffect.Record or RunEffect.End or RunEffect.Tell { Message: not CoordinatorMessage.Recorded };

    /// <summary>As the last of the turns leaves the run, with what was recorded in all of them.</summary>
    private RunChange Change(RunState run, ImmutableArray<(RunRecord Entry, DateTimeOffset At)> records)
    {
        var version = _versions.GetValueOrDefault(run.Id) + 1;
        _versions[run.Id] = version;
        var samples = _samples.Where(each => each.Run == run.Id).Select(each => each.Sample).ToImmutableArray();
        _samples.RemoveAll(each => each.Run == run.Id);
        return new RunChange
        {
            Run = run.Id, Version = version, Order = DurableJson.Write(run.Order), State = RunStates.Of(run), IsEnded = run.Phase is RunPhase.Ended, Generation = run.LastGeneration,
            Snapshot = DurableJson.Write(RunSnapshot.Of(run)), Samples = samples,
            Events = [.. records.Select(record => new RunEventLine(RunRecordJson.NameOf(record.Entry), RunRecordJson.Line(record.Entry, run.Order, record.At)))],
            Checkpoints = [.. records.Where(record => record.Entry is RunRecord.CheckpointSaved).Select(record => Row((RunRecord.CheckpointSaved)record.Entry, record.At))],
        };
    }

    private static CheckpointRow Row(RunRecord.CheckpointSaved saved, DateTimeOffset at) => new(saved.Step, saved.Path, saved.WeightsSha256, at);

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

    private sealed record Turn(ImmutableArray<ClusterEffect> Effects, ClusterState State, DateTimeOffset At);
}
