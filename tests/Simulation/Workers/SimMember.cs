using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Core.Ledger;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Simulation.Workers;

/// <summary>What a worker does for a run: the real member machine over simulated exchanges, feeds and a training thread that takes its time.</summary>
internal sealed class SimMember
{
    private readonly Queue<MemberEvent> _queue = new();
    private readonly SimWorker _worker;
    private readonly RunId _run;
    private readonly SimSettings _settings;
    private readonly SimPartials _partials;
    private readonly SimReduced _reduced = new();
    private readonly Dictionary<long, SimGeneration> _generations = [];
    private readonly SimFeeds _feeds;
    private readonly LedgerKeeper _ledger = new();
    private Generation _reported = Generation.None;
    private MemberState _state;
    private ulong _value;
    private bool _isDraining;
    private bool _isStopped;
    private long _computing = -1;
    private long _saved = -1;
    private long _passMicros;

    public SimMember(SimWorker worker, RunId run, WorkerId self, long applied, ulong value)
    {
        (_worker, _run, _settings, _value) = (worker, run, worker.Settings, value);
        _partials = new SimPartials(new ReductionTree(_settings.LogicalRanks));
        _state = MemberState.Start(self, _settings.LogicalRanks, SimModel.Buckets, applied) with { MostDirect = _settings.MostDirect };
        _feeds = new SimFeeds(worker, run, _reduced, _ledger, Post);
    }

    public RunId Run => _run;

    public MemberState State => _state;

    public ulong Value => _value;

    public int ReducedBuffers => _reduced.Count;

    /// <summary>Most feeds that it gave or took at the same time.</summary>
    public int Feeds { get; private set; }

    public void Post(MemberEvent @event)
    {
        _queue.Enqueue(@event);
        if (_isDraining)
        {
            return;
        }

        _isDraining = true;
        while (!_isStopped && _queue.TryDequeue(out var next))
        {
            var before = _state;
            var (after, effects) = MemberMachine.Step(before, next);
            (_state, effects) = _settings.Bug.Member(before, next, after, effects);
            Feeds = Math.Max(Feeds, _state.Giving.Length + (_state.Taking is null ? 0 : 1));
            _worker.Trace($"{next}");
            foreach (var effect in effects)
            {
                Carry(effect);
            }
        }

        _isDraining = false;
    }

    public void Stop()
    {
        if (!_isStopped)
        {
            _isStopped = true;
            _worker.After(0, () => _worker.Post(new WorkerEvent.TrainingStopped(_state.Applied) { Run = _run }));
        }
    }

    public bool HasHeardOf(long step, int rank) => _ledger.OfPeers(step).Any(entry => entry.Step == step && entry.LogicalRank == rank);

    public void ForgetLedger(long step) => _ledger.Forget(step);

    public void TellLedger(Generation generation, long fromStep) => _worker.Report(_run, new WorkerMessage.Fed(generation, _ledger.OfPeers(fromStep)));

    public void Save(Generation generation) => _worker.SaveCheckpoint(_run, generation, _state.Applied, _value);

    public void Dispose()
    {
        _isStopped = true;
        foreach (var generation in _generations.Keys.ToList())
        {
            Close(generation);
        }

        _feeds.Dispose();
        _reduced.Dispose();
    }

    private void Carry(MemberEffect effect)
    {
        switch (effect)
        {
            case MemberEffect.Tell tell:
                _worker.Report(_run, tell.Message);
                break;
            case MemberEffect.Do work:
                Begin(work.Work);
                break;
            case MemberEffect.BeginStep begin:
                _reduced.KeepFrom(begin.Step - 1);
                Find(begin.Generation)?.Begin(begin.Step, begin.Prepared, _reduced.For(begin.Step));
                break;
            case MemberEffect.HandOver ready:
                if (ready.Bucket == 0)
                {
                    Find(ready.Generation)?.Tell(_ledger.OwnOf(_state.Decided + 1));
                }

                Find(ready.Generation)?.HandOver(ready.Bucket, _partials.Places);
                break;
            case MemberEffect.Connect connect:
                Connect(connect.Plan);
                break;
            case MemberEffect.OpenExchange open:
                Open(open.Plan);
                break;
            case MemberEffect.CloseExchange close:
                Find(close.Generation)?.Close();
                _worker.After(_worker.Random.NextInt64(500), () =>
                {
                    Close(close.Generation.Number);
                    Post(new MemberEvent.ExchangeClosed(close.Generation));
                });
                break;
            case MemberEffect.RetireExchange retire:
                _generations.GetValueOrDefault(retire.Generation.Number)?.Complete();
                break;
            case MemberEffect.ForgetExchange forget:
                Close(forget.Generation.Number);
                break;
            case MemberEffect.Disconnect disconnect:
                Close(disconnect.Generation.Number);
                break;
            case MemberEffect.Fail fail:
                _worker.Post(new WorkerEvent.TrainingFailed(_state.Applied, fail.Reason, FailureKind.Internal) { Run = _run });
                break;
            default:
                _feeds.Carry(effect);
                break;
        }
    }

    private SimExchange? Find(Generation generation) => _generations.GetValueOrDefault(generation.Number)?.Exchange;

    private void Connect(AllReducePlan plan)
    {
        var generation = _generations[plan.Generation.Number] = new SimGeneration(_worker, _run, plan);
        _worker.After(_worker.Random.NextInt64(3000), () => Post(generation.FirstLoss is { } loss
            ? new MemberEvent.ConnectFailed(plan.Generation, plan.Members[loss.Member].Worker, loss.Reason) : new MemberEvent.Connected(plan.Generation)));
    }

    private void Open(AllReducePlan plan)
    {
        if (!_generations.TryGetValue(plan.Generation.Number, out var generation))
        {
            generation = _generations[plan.Generation.Number] = new SimGeneration(_worker, _run, plan);
        }

        generation.Open(
            plan, (step, agreed) => Post(new MemberEvent.StepDecided(plan.Generation, step, agreed)),
            (member, reason) => Post(new MemberEvent.ExchangeBroken(plan.Generation, plan.Members[Math.Max(0, member)].Worker, reason)), _ledger.AddOfPeer);
    }

    private void Close(long generation)
    {
        if (_generations.Remove(generation, out var former))
        {
            former.Close();
        }
    }

    /// <summary>The training thread takes the time of a pass, an update or a copy.</summary>
    private void Begin(MemberWork work)
    {
        _feeds.Begin(work);
        switch (work)
        {
            case MemberWork.Compute compute:
                Compute(compute);
                break;
            case MemberWork.Apply apply:
                var gradient = _reduced.Use(apply.Step);
                Later(_settings.PassMicros / 4, work, () => Apply(apply, gradient));
                if (_state.Taking is not null)
                {
                    _worker.Following();
                }

                break;
            case MemberWork.Finish finish:
                Later(_settings.PassMicros, work, () => Finish(finish));
                break;
            case MemberWork.Snapshot:
                Later(_settings.PassMicros / 2, work, () => _feeds.SendState(work, _state.Applied, _value));
                break;
            case MemberWork.LoadState load:
                _worker.LoadingState();
                Later(_settings.PassMicros / 2, work, () =>
                {
                    if (!_feeds.IsTaken(load.FeedId))
                    {
                        // As a real one: another feed has begun meanwhile, and its state may have come already.
                        return;
                    }

                    Forget();
                    _value = _feeds.State;
                    _worker.Check(_run, load.Step, _value);
                    _reduced.KeepFrom(load.Step);
                });
                break;
        }
    }

    private void Later(long micros, MemberWork work, Action act) => _worker.Train((micros / 2) + _worker.Random.NextInt64(micros + 1), () =>
    {
        if (!_isStopped)
        {
            act();
            Post(new MemberEvent.WorkDone(work));
        }
    });

    private void Compute(MemberWork.Compute work)
    {
        if (_computing != work.Step)
        {
            _partials.Clear();
            _computing = work.Step;
        }

        var buffer = _partials.Add(work.Rank);
        _ledger.Add(new LedgerEntry(work.Step, work.Rank, 1, new SampleDigest((ulong)work.Step, (ulong)work.Rank)));
        var (value, blocks) = (_value, SimModel.Blocks / SimModel.Buckets.Length);
        var pass = (long)(_settings.PassMicros * _worker.Slowness);
        _passMicros += pass;
        for (var bucket = 0; bucket < SimModel.Buckets.Length; bucket++)
        {
            var (first, index) = (bucket * blocks, bucket);
            _worker.Train(pass * (bucket + 1) / (SimModel.Buckets.Length + 1), () =>
            {
                for (var block = first; block < first + blocks && !_isStopped; block++)
                {
                    buffer.Values[block] = SimModel.Leaf(value, work.Step, work.Rank, block);
                }

                if (!_isStopped)
                {
                    _partials.Merge(first, blocks);
                }

                if (work.IsStreamed && !_isStopped)
                {
                    Post(new MemberEvent.BucketFinal(work.Step, index));
                }
            });
        }

        _worker.Train(pass + 1, () =>
        {
            if (!_isStopped)
            {
                _partials.Complete();
                Post(new MemberEvent.WorkDone(work));
            }
        });
    }

    private void Apply(MemberWork.Apply work, SimBuffer gradient)
    {
        _value = SimModel.Apply(_value, gradient.Values);
        _reduced.Release(work.Step);
        var passSeconds = _passMicros / 1e6;
        Forget();
        _worker.Check(_run, work.Step, _value);
        _feeds.Applied(work.Step, _reduced);
        if (work.Generation != Generation.None)
        {
            _worker.Report(_run, new WorkerMessage.Progress(work.Generation, work.Step, 1, 1, 0, 0, new StepSeconds(0, 0, passSeconds, 0, 0), 0)
            {
                Ledger = _ledger.Take(work.Step, withPeers: work.Generation != _reported && work.Generation.Number > 1),
            });
            _reported = work.Generation;
            if (work.IsLast || work.Step % _settings.CheckpointEvery == 0)
            {
                Publish(work.Generation, work.Step, work.IsLead);
            }
        }
    }

    private void Finish(MemberWork.Finish work)
    {
        if (_saved != work.Step || work.IsLead)
        {
            Publish(work.Generation, work.Step, work.IsLead);
        }

        _generations.GetValueOrDefault(work.Generation.Number)?.Complete();
        _worker.Post(new WorkerEvent.TrainingFinished(new WorkerMessage.Finished(work.Generation, work.Step, SimSettings.HashOf(_value), 1)) { Run = _run });
    }

    private void Publish(Generation generation, long step, bool isLead)
    {
        _saved = step;
        _worker.Report(_run, new WorkerMessage.StateDigest(generation, step, SimSettings.HashOf(_value)));
        if (isLead)
        {
            _worker.SaveCheckpoint(_run, generation, step, _value);
        }
    }

    private void Forget()
    {
        _partials.Clear();
        (_computing, _passMicros) = (-1, 0);
    }
}
