using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.Mapping;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>The coordinator's shell: feeds <see cref="ClusterMachine"/> and carries out what it decides.</summary>
public sealed class CoordinatorActor : IAsyncDisposable
{
    private readonly ConcurrentDictionary<long, WorkerConnection> _arriving = new();
    private readonly ConcurrentDictionary<WorkerId, WorkerConnection> _attached = new();
    private readonly ConcurrentDictionary<RunId, OpenRun> _runs = new();
    private readonly ConcurrentDictionary<(RunId, RunTimer), ITimer> _timers = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource> _asked = new();
    private readonly Lock _submitting = new();
    private readonly MachineActor<ClusterState, ClusterEvent, ClusterEffect> _actor;
    private readonly CoordinatorMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _ticks;
    private readonly RunJournal? _journal;
    private readonly long _term;
    private readonly Tenure? _tenure;
    private readonly TaskCompletionSource _adopted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastConnection;
    private long _lastAsker;

    public CoordinatorActor(CoordinatorOptions options, CoordinatorMetrics metrics, ILogger log, TimeProvider time)
    {
        (_metrics, _log, _time) = (metrics, log, time);
        (_tenure, _journal, _term) = (options.Tenure, options.Tenure?.Journal, options.Tenure?.Found.Ownership.Term ?? 0);
        if (_journal is not null)
        {
            _journal.CarryOut = CarryOut;
        }

        var cluster = new ClusterState { Options = new ClusterOptions(ProgramVersion.Text, options.Waits) { IsDurable = _journal is not null } };
        _actor = new MachineActor<ClusterState, ClusterEvent, ClusterEffect>(
            cluster, Step, CarryOutOrStore, (e, @event) => Log.ActorCrashed(_log, @event.ToString(), e), time);
        if (options.Tenure is { Found: var found })
        {
            Adopt(found);
        }

        _actor.Post(new ClusterEvent.Tick());

        _ticks = time.CreateTimer(_ => Tick(), null, LivenessRule.TickInterval, LivenessRule.TickInterval);
    }

    /// <summary>A snapshot.</summary>
    public ClusterState State => _actor.State;

    /// <summary>What all workers' streams send alike.</summary>
    public SharedOrders SharedOrders { get; } = new();

    /// <summary>Ends when the runs that it found are in its state: whoever asks before would hear that they are not known.</summary>
    public Task Adopted => _adopted.Task;

    /// <summary>Faulted when the actor crashed; then the process must end.</summary>
    public Task Completion => _actor.Completion;

    public ValueTask PostAsync(ClusterEvent @event, CancellationToken cancellation = default) => _actor.PostAsync(@event, cancellation);

    /// <summary>What a person asks for: done when all that comes of it is stored and told, so that the next owner knows it too.</summary>
    /// <exception cref="ActorStoppedException">This coordinator stopped before; the next owner may know of it or not.</exception>
    public async Task AskAsync(ClusterEvent @event)
    {
        var (asker, done) = (Interlocked.Increment(ref _lastAsker), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _asked[asker] = done;
        try
        {
            await PostAsync(@event with { Asker = asker }).ConfigureAwait(false);
            if (await Task.WhenAny(done.Task, Completion).ConfigureAwait(false) != done.Task)
            {
                throw new ActorStoppedException($"The coordinator stopped before {@event.GetType().Name} was stored.", Completion.Exception);
            }
        }
        finally
        {
            _asked.TryRemove(asker, out _);
        }
    }

    /// <inheritdoc cref="MachineActor{TState,TEvent,TEffect}.Post"/>
    public void Post(ClusterEvent @event) => _actor.Post(@event);

    /// <summary>Puts a run in the queue; it is in the state when this returns. Its folder is made and holds the job before the machine hears of it.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public async Task<RunFeed> SubmitAsync(RunOrder order)
    {
        bool isNew;
        OpenRun? run;
        lock (_submitting)
        {
            if (State.Find(order.Id) is { Phase: RunPhase.Ended })
            {
                return RunFeed.Over();
            }

            // Sent again while the first is still under way: one run, and one who writes its folder.
            if (isNew = !_runs.TryGetValue(order.Id, out run))
            {
                _runs[order.Id] = run = new OpenRun(order, RunFolder.Create(order, _time, _tenure?.MayOrder), _time);
            }
        }

        if (isNew)
        {
            _metrics.RunStateChanged(order.Id.Value, RunStates.Queued);
            await PostAsync(new ClusterEvent.RunSubmitted(order)).ConfigureAwait(false);
        }

        if (await Task.WhenAny(run!.Queued, Completion).ConfigureAwait(false) != run.Queued)
        {
            throw new ActorStoppedException($"The coordinator stopped before it had queued run {order.Id}.", Completion.Exception);
        }

        return run.Feed;
    }

    /// <returns>What was asked for of a run that is open, or is just being submitted; null when there is none.</returns>
    public RunOrder? FindOpen(RunId run)
    {
        lock (_submitting)
        {
            return _runs.TryGetValue(run, out var open) ? open.Order : null;
        }
    }

    /// <returns>Null when the run is not known. That of a run which ended under another coordinator is over.</returns>
    public RunFeed? FeedOf(RunId run) => _runs.TryGetValue(run, out var open) ? open.Feed
        : State.Find(run) is { Phase: RunPhase.Ended } ? RunFeed.Over() : null;

    /// <summary>A worker's stream was opened.</summary>
    public WorkerConnection Open()
    {
        var connection = new WorkerConnection(Interlocked.Increment(ref _lastConnection));
        _arriving[connection.Id] = connection;
        return connection;
    }

    /// <summary>Asked before an order goes out to a worker; one that may not is counted as refused.</summary>
    public bool MayOrder()
    {
        if (_tenure is null || _tenure.MayOrder())
        {
            return true;
        }

        _tenure.Counts.Refuse();
        return false;
    }

    /// <summary>The worker's stream has ended; nothing is sent to it any more.</summary>
    /// <returns>False: it has another one, so it is not lost.</returns>
    public bool Forget(WorkerConnection connection, WorkerId worker) => _attached.TryRemove(KeyValuePair.Create(worker, connection));

    /// <summary>The worker does not wait for its admission any more.</summary>
    /// <returns>False: it is being told just now.</returns>
    public bool Withdraw(WorkerConnection connection) => _arriving.TryRemove(connection.Id, out _);

    public void Close(WorkerConnection connection)
    {
        _arriving.TryRemove(connection.Id, out _);
        connection.Close();
    }

    /// <summary>Ends every worker's stream, for this coordinator gives no orders any more: they look for the one that does.</summary>
    public void DropWorkers(string reason)
    {
        foreach (var connection in _attached.Values.Concat(_arriving.Values))
        {
            connection.Break(reason);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ticks.DisposeAsync().ConfigureAwait(false);
        await _actor.DisposeAsync().ConfigureAwait(false);
        _journal?.Stop();
        foreach (var timer in _timers.Values)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var connection in _attached.Values)
        {
            connection.Close();
        }

        foreach (var run in _runs.Values)
        {
            run.Folder.Dispose();
            run.Feed.Complete();
        }
    }

    /// <summary>The first tick comes behind the runs that were found. What was written to a ledger since the machine was told of a write is told with it.</summary>
    private (ClusterState, ImmutableArray<ClusterEffect>) Step(ClusterState state, ClusterEvent @event, DateTimeOffset now)
    {
        if (@event is ClusterEvent.Tick)
        {
            _adopted.TrySetResult();
        }
        else if (@event is ClusterEvent.LedgerWritten written && _runs.TryGetValue(written.Run, out var run))
        {
            @event = written with { Number = run.TakeWritten() };
        }

        return ClusterMachine.Step(state, @event, now);
    }

    private void Tick()
    {
        _actor.Post(new ClusterEvent.Tick());
        if (_tenure is { WorkerPatience: not null } && _tenure.MayOrder())
        {
            foreach (var connection in _attached.Values)
            {
                connection.Beat(_term);
            }
        }
    }

    /// <summary>Live runs are open before the machine hears of them.</summary>
    private void Adopt(StoredRuns found)
    {
        var runs = found.Runs;
        foreach (var run in runs.Where(run => run.Snapshot.Phase is not SnapshotPhase.Ended))
        {
            Log.Revives(_log, run.Order.Id.Value, run.Snapshot.Phase.ToString(), Math.Max(run.Snapshot.Step, run.Ledger.HighestStep));
            try
            {
                if (RunFolder.TakeOver(run.Order, _time, _tenure!.MayOrder, found.Missed.GetValueOrDefault(run.Order.Id)) is not { } folder)
                {
                    // The lease is over: nothing that is decided here is carried out any more.
                    break;
                }

                _runs[run.Order.Id] = new OpenRun(run.Order, folder, _time);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Log.RunFolderProblem(_log, run.Order.Id.Value, $"{run.Order.RunDir} cannot be gone on with: {e.Message} The run has failed.");
                runs = runs.Replace(run, run.Failing($"Its folder cannot be gone on with: {e.Message}"));
            }
        }

        _actor.Post(new ClusterEvent.RunsAdopted(runs, found.LastWorkerNumber) { Pool = found.Pool });
    }

    private void CarryOutOrStore(ImmutableArray<ClusterEffect> effects)
    {
        if (_journal is not null)
        {
            _journal.Add(effects, State);
            return;
        }

        foreach (var effect in effects)
        {
            CarryOut(effect, State, _time.GetUtcNow());
        }
    }

    /// <param name="effect">What was decided.</param>
    /// <param name="cluster">The state that it came from: the present one may be further.</param>
    /// <param name="at">When it was decided.</param>
    private void CarryOut(ClusterEffect effect, ClusterState cluster, DateTimeOffset at)
    {
        switch (effect)
        {
            case ClusterEffect.Admit admit:
                Admit(admit, cluster);
                break;
            case ClusterEffect.Reject reject:
                Log.WorkerRejected(_log, reject.Reason);
                if (_arriving.TryRemove(reject.Connection, out var refused))
                {
                    refused.Reject(reject.Reason);
                }

                break;
            case ClusterEffect.Dismiss dismiss:
                Log.WorkerEvicted(_log, dismiss.Worker.Value, dismiss.Reason);
                if (_attached.TryGetValue(dismiss.Worker, out var dismissed))
                {
                    dismissed.Break(dismiss.Reason);
                }

                break;
            case ClusterEffect.ForRun { Effect: RunEffect.StartTimer start } timed:
                StartTimer(timed.Run, start);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Tell tell }:
                if (_attached.TryGetValue(tell.Worker, out var connection) && !connection.Send(tell.Message))
                {
                    Log.WorkerStalled(_log, tell.Worker.Value, WorkerConnection.MaxPending);
                }

                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Evict evict }:
                Log.WorkerEvicted(_log, evict.Worker.Value, evict.Reason);
                if (_attached.TryGetValue(evict.Worker, out var evicted))
                {
                    evicted.GiveUp(evict.Reason, evict.IsHung, _time);
                }

                break;
            case ClusterEffect.ForRun run when _runs.TryGetValue(run.Run, out var open):
                CarryOut(open, run.Effect, cluster, at);
                break;
            case ClusterEffect.Answer answer when _asked.TryGetValue(answer.Asker, out var asked):
                asked.TrySetResult();
                break;
            case ClusterEffect.Note note:
                Log.Ignored(_log, note.Sentence);
                break;
        }

        _metrics.WorkersChanged(cluster.Workers.Count);
    }

    private void Admit(ClusterEffect.Admit admit, ClusterState cluster)
    {
        if (!_arriving.TryRemove(admit.Connection, out var connection))
        {
            // It went between Hello and here: its stream's end comes as the next event of nobody, so the machine is told.
            _actor.Post(new ClusterEvent.WorkerLost(admit.Worker, "its stream broke before it was welcomed") { Connection = admit.Connection });
            return;
        }

        var hello = cluster.Workers[admit.Worker].Hello;
        Log.WorkerAttached(_log, admit.Worker.Value, hello.Pid, hello.Host, hello.Device, hello.HighestIsa);
        var former = _attached.GetValueOrDefault(admit.Worker);
        _attached[admit.Worker] = connection;
        former?.Break("the worker has come back by another stream");
        connection.Admit(admit.Worker, _term, admit.RecordedStep, _tenure?.WorkerPatience);
    }

    private void CarryOut(OpenRun run, RunEffect effect, ClusterState cluster, DateTimeOffset at)
    {
        var state = cluster.Find(run.Order.Id)!;
        switch (effect)
        {
            case RunEffect.Record record:
                run.MarkQueued();
                var line = RunRecordJson.Line(record.Entry, run.Order, at);
                Write(run, folder => folder.Append(record.Entry, line, run.Order));
                Log.RunRecorded(_log, run.Order.Id.Value, RunRecordJson.NameOf(record.Entry), record.Entry.Step, state.Reason);
                RunMetrics.Count(_metrics, record.Entry, state, _time.GetUtcNow());
                run.Feed.Publish(new RunNews(line, record.Entry, state));
                break;
            case RunEffect.AppendLedger fed:
                WriteLedger(run, fed);
                break;
            case RunEffect.ReportStep report:
                Write(run, folder => folder.Append(report.Report));
                Log.StepCompleted(_log, run.Order.Id.Value, report.Report.Step, report.Report.Loss);
                RunMetrics.Count(_metrics, report.Report, state);
                run.Feed.Publish(new RunNews(null, null, state));
                break;
            case RunEffect.End end:
                Log.RunEnded(_log, run.Order.Id.Value, RunStates.Of(state), end.Outcome.Reason);
                StopTimers(run.Order.Id);
                run.Folder.Dispose();
                run.Feed.Complete();
                if (run.Feed.LinesAtStart == 0)
                {
                    // Who asks from now on reads what the file has.
                    _runs.TryRemove(run.Order.Id, out _);
                }

                ForgetOldRuns();
                break;
        }

        if (state.Phase is RunPhase.Queued)
        {
            run.Folder.Rest();
        }

        _metrics.RunStateChanged(run.Order.Id.Value, RunStates.Of(state));
    }

    private void StartTimer(RunId run, RunEffect.StartTimer start)
    {
        var timer = _time.CreateTimer(
            _ => _actor.Post(new ClusterEvent.TimerFired(run, start.Timer, start.Generation)), null, start.After, Timeout.InfiniteTimeSpan);
        if (_timers.TryRemove((run, start.Timer), out var former))
        {
            former.Dispose();
        }

        _timers[(run, start.Timer)] = timer;
    }

    private void StopTimers(RunId run)
    {
        foreach (var key in _timers.Keys.Where(key => key.Item1 == run))
        {
            if (_timers.TryRemove(key, out var timer))
            {
                timer.Dispose();
            }
        }
    }

    /// <summary>What the machine has forgotten need not be kept open for watchers.</summary>
    private void ForgetOldRuns()
    {
        var known = State.Runs.Select(run => run.Id).ToHashSet();
        foreach (var (gone, _) in _runs.Where(run => run.Value.Queued.IsCompleted && !known.Contains(run.Key)))
        {
            // One that is being submitted is here before the machine knows it.
            _runs.TryRemove(gone, out _);
        }
    }

    /// <summary>A full disk under the run's events does not stop the training; it is said once per run.</summary>
    private void Write(OpenRun run, Action<RunFolder> write)
    {
        try
        {
            write(run.Folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!run.HasProblem)
            {
                run.HasProblem = true;
                Log.RunFolderProblem(_log, run.Order.Id.Value, $"{run.Folder.Path} cannot be written any more: {e.Message} The run goes on; its events are incomplete.");
            }
        }
    }

    /// <summary>A full disk under the ledger does not stop the training either: the machine keeps what is not written, and tries it again.</summary>
    private void WriteLedger(OpenRun run, RunEffect.AppendLedger effect)
    {
        var id = run.Order.Id;
        if (run.Folder.Append(effect, run.Order) is not { } answer)
        {
            return;
        }

        if (answer.Notice is { } notice)
        {
            Log.RunFolderProblem(_log, id.Value, notice);
        }

        if (answer.Problem is null != run.IsLedgerWritten)
        {
            run.IsLedgerWritten = answer.Problem is null;
            Log.RunFolderProblem(_log, id.Value, answer.Problem is { } problem ? $"{problem} The run trains on, and it is tried again." : "The ledger is written again.");
        }

        if (answer.Problem is { } reason)
        {
            _actor.Post(new ClusterEvent.LedgerFailed(id, answer.Written, reason));
        }
        else if (run.Wrote(answer.Written))
        {
            _actor.Post(new ClusterEvent.LedgerWritten(id, answer.Written));
        }
    }

    /// <summary>A run and what is open for it.</summary>
    private sealed class OpenRun(RunOrder order, RunFolder folder, TimeProvider time)
    {
        private readonly TaskCompletionSource _queued = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _written;
        private int _isTold;

        public RunOrder Order { get; } = order;

        public RunFolder Folder { get; } = folder;

        public RunFeed Feed { get; } = new(folder.EventCount, time);

        public bool HasProblem { get; set; }

        public bool IsLedgerWritten { get; set; } = true;

        /// <summary>Done when the machine has taken the run in: whoever is told its id may ask for it at once.</summary>
        public Task Queued => _queued.Task;

        public void MarkQueued() => _queued.TrySetResult();

        /// <summary>The ledger has everything up to a number.</summary>
        /// <returns>False: the machine is about to ask for the newest already. Steps can take a millisecond, and those of minutes may come at once.</returns>
        public bool Wrote(long number)
        {
            Volatile.Write(ref _written, number);
            return Interlocked.Exchange(ref _isTold, 1) == 0;
        }

        public long TakeWritten()
        {
            Interlocked.Exchange(ref _isTold, 0);
            return Volatile.Read(ref _written);
        }
    }
}
