using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Core.Membership;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Training;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>The shell around <see cref="MemberMachine"/> for one run: one lock orders what peers, the coordinator and the training thread bring; effects are carried out under it.</summary>
/// <remarks>Nothing that blocks runs under the lock: connections are made and closed behind it, passes and updates run on the training thread.</remarks>
internal sealed class MemberShell : IExchangeEvents, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<MemberEvent> _queue = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly PreparedRun _run;
    private readonly TrainingThread _thread;
    private readonly CheckpointPublisher _checkpoints;
    private readonly Action<WorkerMessage> _report;
    private readonly Action<WorkerEvent> _post;
    private readonly WorkerMetrics _metrics;
    private readonly ReducedBuffers _reduced;
    private readonly ExchangeSet _exchanges;
    private readonly FeedSet _feeds;
    private readonly StepWork _work;
    private MemberState _state;
    private bool _isDraining;
    private bool _isStopped;

    /// <param name="run">What was loaded; outlives this.</param>
    /// <param name="self">This worker.</param>
    /// <param name="thread">Does the work.</param>
    /// <param name="server">Where peers push.</param>
    /// <param name="checkpoints">Saves and hashes.</param>
    /// <param name="report">Gets what the coordinator is to hear.</param>
    /// <param name="post">Gets how training ended.</param>
    /// <param name="metrics">Told of generations.</param>
    public MemberShell(
        PreparedRun run, WorkerId self, TrainingThread thread, CollectiveServer server, CheckpointPublisher checkpoints, Action<WorkerMessage> report,
        Action<WorkerEvent> post, WorkerMetrics metrics)
    {
        (_run, _thread, _checkpoints, _report, _post, _metrics) = (run, thread, checkpoints, report, post, metrics);
        _reduced = new ReducedBuffers(run.Replica.Layout, run.Replica.Device, HostMemory.AllocatorFor(run.Job.AllReduce.Transport, run.Replica.Device));
        _exchanges = new ExchangeSet(run.Order.Run, run.Job.AllReduce.Transport, run.Format, server, this);
        _feeds = new FeedSet(run, server, _reduced, Post);
        _work = new StepWork(
            run, _reduced, checkpoints, report, (step, bucket) => Post(new MemberEvent.BucketFinal(step, bucket)), () => _exchanges.SentBytes, _stop.Token);
        var buckets = run.Buckets.Select(bucket => new ElementRange(bucket.Offset, bucket.Count)).ToImmutableArray();
        _state = MemberState.Start(self, run.Job.Training.LogicalRanks, buckets, run.Replica.AppliedSteps);
    }

    /// <summary>What the training thread does. Any thread; waits for nothing.</summary>
    public WorkMark Work
    {
        get
        {
            var mark = WorkMarks.Of(Volatile.Read(ref _state));
            return mark.Kind == WorkKind.Applying && _work.Behind is not WorkKind.Unspecified and var behind ? mark with { Kind = behind } : mark;
        }
    }

    public void Decided(Generation generation, long step, Generation agreed) => Post(new MemberEvent.StepDecided(generation, step, agreed));

    public void Told(LedgerEntry entry) => _run.Ledger.AddOfPeer(entry);

    public void Broken(Generation generation, WorkerId peer, string reason) => Post(new MemberEvent.ExchangeBroken(generation, peer, reason));

    /// <summary>Steps the machine and carries out what it says. May be called from any thread, also from within an effect.</summary>
    public void Post(MemberEvent @event)
    {
        lock (_gate)
        {
            _queue.Enqueue(@event);
            if (_isDraining)
            {
                return;
            }

            _isDraining = true;
            try
            {
                while (!_isStopped && _queue.TryDequeue(out var next))
                {
                    (_state, var effects) = MemberMachine.Step(_state, next);
                    foreach (var effect in effects)
                    {
                        Carry(effect);
                    }
                }
            }
            finally
            {
                _isDraining = false;
            }
        }
    }

    /// <summary>No work is begun any more; the piece at hand is finished, and the end is posted then.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }

            _isStopped = true;
        }

        _stop.Cancel();
        // Behind the work at hand.
        _thread.Post(() => _post(new WorkerEvent.TrainingStopped(_run.Replica.AppliedSteps)));
    }

    /// <summary>On the training thread. Returns when no peer reads or writes this member's memory any more.</summary>
    public void Dispose()
    {
        Stop();
        _exchanges.CloseAll("The run is over on this worker.");
        _feeds.CloseAll();
        _work.Dispose();
        _reduced.Dispose();
        _stop.Dispose();
    }

    private void Carry(MemberEffect effect)
    {
        switch (effect)
        {
            case MemberEffect.Tell tell:
                _report(tell.Message);
                break;
            case MemberEffect.Do work:
                Begin(work.Work);
                break;
            case MemberEffect.BeginStep begin:
                _reduced.KeepFrom(begin.Step - 1);
                _exchanges.Find(begin.Generation)?.Begin(begin.Step, begin.Prepared, _reduced.For(begin.Step).Memory.Address);
                break;
            case MemberEffect.HandOver ready:
                var exchange = _exchanges.Find(ready.Generation);
                if (ready.Bucket == 0)
                {
                    exchange?.Tell(_run.Ledger.OwnOf(_state.Decided + 1));
                }

                exchange?.BucketReady(ready.Bucket, _work.Addresses);
                break;
            case MemberEffect.Connect connect:
                _exchanges.Connect(connect.Plan, loss => Post(loss is { } each
                    ? new MemberEvent.ConnectFailed(connect.Plan.Generation, each.Peer, each.Reason) : new MemberEvent.Connected(connect.Plan.Generation)));
                break;
            case MemberEffect.OpenExchange open:
                _exchanges.Open(open.Plan);
                _metrics.GenerationEntered(open.Plan.Generation.Number, open.Plan.Members[open.Plan.Self].RankCount);
                break;
            case MemberEffect.CloseExchange close:
                _exchanges.Close(close.Generation, close.Reason, () => Post(new MemberEvent.ExchangeClosed(close.Generation)));
                break;
            case MemberEffect.RetireExchange retire:
                _exchanges.Retire(retire.Generation);
                break;
            case MemberEffect.ForgetExchange forget:
                _exchanges.Close(forget.Generation, "All members have left this generation.");
                break;
            case MemberEffect.Disconnect disconnect:
                _exchanges.Close(disconnect.Generation, "This generation does not come.");
                break;
            case MemberEffect.Fail fail:
                _post(new WorkerEvent.TrainingFailed(_run.Replica.AppliedSteps, fail.Reason, FailureKind.Internal));
                break;
            default:
                CarryFeed(effect);
                break;
        }
    }

    private void CarryFeed(MemberEffect effect)
    {
        switch (effect)
        {
            case MemberEffect.Give give:
                _feeds.Give(give);
                break;
            case MemberEffect.AwaitGift gift:
                _feeds.AwaitGift(gift.Generation);
                break;
            case MemberEffect.ReadyFeed ready:
                _feeds.Ready(ready);
                break;
            case MemberEffect.PushGradient push:
                _feeds.Push(push.Step);
                break;
            case MemberEffect.EndFeed end:
                _feeds.End(end.FeedId, end.Step, end.Generation);
                break;
            case MemberEffect.DropFeed drop:
                _feeds.Drop(drop.FeedId);
                break;
            case MemberEffect.TakeFeed take:
                _feeds.Take(take.FeedId);
                break;
            case MemberEffect.CloseFeed:
                _feeds.CloseTaken();
                break;
        }
    }

    private void Begin(MemberWork work)
    {
        if (work is MemberWork.Snapshot snapshot)
        {
            _feeds.Begin(snapshot);
        }

        _thread.Post(() =>
        {
            try
            {
                if (!_stop.IsCancellationRequested)
                {
                    Run(work);
                    Post(new MemberEvent.WorkDone(work));
                }
            }
            catch (OperationCanceledException)
            {
                // It was told to stop, which reports by itself.
            }
            catch (Exception error) when (FailureRule.Describe(error) is { } failure)
            {
                // What was being saved counts: the coordinator says how to go on from it.
                _checkpoints.Settle();
                _post(new WorkerEvent.TrainingFailed(_run.Replica.AppliedSteps, failure.Reason, failure.Kind));
            }
        });
    }

    private void Run(MemberWork work)
    {
        switch (work)
        {
            case MemberWork.Compute compute:
                _work.Compute(compute);
                break;
            case MemberWork.Apply apply:
                _work.Apply(apply);
                _feeds.Applied(apply.Step);
                break;
            case MemberWork.Finish finish:
                var finished = _work.Finish(finish);
                // What this member owes it has sent; peers that are not there yet may still push.
                _exchanges.Retire(finish.Generation);
                _post(new WorkerEvent.TrainingFinished(finished));
                break;
            case MemberWork.Snapshot snapshot:
                _feeds.SendState(snapshot.FeedId);
                break;
            case MemberWork.LoadState load:
                _work.Forget();
                _feeds.LoadState(load);
                break;
        }
    }
}
