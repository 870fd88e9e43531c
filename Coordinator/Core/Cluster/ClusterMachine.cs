using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>Takes workers in, queues runs, and shares the workers out among them.</summary>
/// <remarks>Many runs at a time; who has how many workers is decided by <see cref="ShareRule"/>. What happens within a run is decided by <see cref="RunMachine"/>.</remarks>
public static class ClusterMachine
{
    public static (ClusterState State, ImmutableArray<ClusterEffect> Effects) Step(ClusterState state, ClusterEvent @event, DateTimeOffset now)
    {
        var turn = new ClusterTurn(state, now);
        switch (@event)
        {
            case ClusterEvent.WorkerAttached attached:
                Attach(turn, attached);
                break;
            case ClusterEvent.WorkerSaid said:
                Hear(turn, said);
                break;
            case ClusterEvent.WorkerLost lost:
                Lose(turn, lost);
                break;
            case ClusterEvent.Tick:
                Tick(turn);
                break;
            case ClusterEvent.ScaleRequested scale:
                turn.Give(state.Find(scale.Run), new RunEvent.ScaleRequested(scale.Desired));
                break;
            case ClusterEvent.DrainRequested drain:
                Draining.Drain(turn, drain.Worker);
                break;
            case ClusterEvent.TakeBackRequested back:
                Draining.TakeBack(turn, back.Worker);
                break;
            case ClusterEvent.RunSubmitted submitted:
                Submit(turn, submitted.Order);
                break;
            case ClusterEvent.RunsAdopted adopted:
                Adopt(turn, adopted);
                break;
            case ClusterEvent.StopRequested stop:
                turn.Give(state.Find(stop.Run), new RunEvent.StopRequested(stop.Reason));
                break;
            case ClusterEvent.LaunchFailed failed:
                turn.Give(state.Find(failed.Run), new RunEvent.LaunchFailed(failed.Reason));
                break;
            case ClusterEvent.LedgerWritten written:
                turn.Give(state.Find(written.Run), new RunEvent.LedgerWritten(written.Number));
                break;
            case ClusterEvent.LedgerFailed failed:
                turn.Give(state.Find(failed.Run), new RunEvent.LedgerFailed(failed.Written, failed.Reason));
                break;
            case ClusterEvent.TimerFired fired:
                turn.Give(state.Find(fired.Run), new RunEvent.TimerFired(fired.Timer, fired.Generation));
                break;
        }

        // It looks at every worker and every run: only when what it looks at is another than before.
        if (!ScheduleView.IsSame(state, turn.State))
        {
            Schedule(turn);
        }

        if (@event.Asker is { } asker)
        {
            turn.Effects.Add(new ClusterEffect.Answer(asker));
        }

        return (turn.State.Forget(), turn.Effects.ToImmutable());
    }

    private static void Lose(ClusterTurn turn, ClusterEvent.WorkerLost lost)
    {
        if (lost.Connection is { } connection && turn.State.Pulses.TryGetValue(lost.Worker, out var pulse) && pulse.Connection != connection)
        {
            turn.Effects.Add(new ClusterEffect.Note($"A former stream of {lost.Worker} ended: {lost.Reason}."));
            return;
        }

        Lose(turn, lost.Worker, lost.Reason);
    }

    private static void Lose(ClusterTurn turn, WorkerId worker, string reason, bool isBack = false)
    {
        var state = turn.State;
        turn.State = state.Without(worker) with { Pulses = state.Pulses.Remove(worker) };
        turn.Give(state.RunOf(worker), new RunEvent.WorkerLost(worker, reason) { IsBack = isBack });
    }

    private static void Hear(ClusterTurn turn, ClusterEvent.WorkerSaid said)
    {
        var state = turn.State;
        if (state.Pulses.TryGetValue(said.Worker, out var pulse))
        {
            turn.State = state with { Pulses = state.Pulses.SetItem(said.Worker, pulse.Hear(said.Message as WorkerMessage.Heartbeat, turn.Now)) };
        }

        if (said.Message is WorkerMessage.Heartbeat)
        {
            return;
        }

        var run = state.RunOf(said.Worker);
        if (said.Message is not WorkerMessage.Leaving && said.Message.Run is { } about && run is not null && run.Id != about)
        {
            // It was under way when that run released the worker.
            turn.Effects.Add(new ClusterEffect.Note($"{said.Message.GetType().Name} of {said.Worker} is about run {about}; it serves {run.Id} now."));
            return;
        }

        turn.Give(run, new RunEvent.WorkerSaid(said.Worker, said.Message));
        if (said.Message is WorkerMessage.Leaving leaving)
        {
            SetAside(turn, said.Worker, isEnd: !leaving.Returns);
        }
    }

    /// <summary>Its stream ends soon, or when its run has released it; no other run may count on it.</summary>
    private static void SetAside(ClusterTurn turn, WorkerId worker, bool isEnd)
    {
        var state = turn.State;
        if (!state.Workers.TryGetValue(worker, out var candidate))
        {
            return;
        }

        turn.State = state.RunOf(worker) is null ? state.Without(worker) : state.With(candidate with { IsEnding = true });
        if (isEnd)
        {
            Draining.Forget(turn, candidate.Hello.Instance);
        }
    }

    private static void Tick(ClusterTurn turn)
    {
        var state = turn.State;
        var since = turn.Now - state.LastTick;
        var pulses = state.Pulses.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value.Tick(since, turn.Now));
        turn.State = state with { LastTick = turn.Now, Pulses = pulses };
        foreach (var run in turn.State.Runs)
        {
            if (run.Crew is not null)
            {
                turn.Give(run, new RunEvent.Tick(pulses));
                SayWhatIsRecorded(turn, turn.State.Find(run.Id)!);
            }
        }
    }

    /// <summary>Four times a second at most, and only when there is something new. While the ledger cannot be written nothing is: the members keep their reports for the next owner.</summary>
    private static void SayWhatIsRecorded(ClusterTurn turn, RunState run)
    {
        if (!turn.State.Options.IsDurable || run is not { Crew: { } crew, Phase: not RunPhase.Reviving, Backlog.Trouble: null })
        {
            return;
        }

        // It goes back with the run when everybody was lost; for a late report alone there is nothing to take back.
        var step = run.RecordedStep;
        if (step == run.ToldStep || (step < run.ToldStep && run.Progress.Step >= run.ToldStep))
        {
            return;
        }

        var recorded = new CoordinatorMessage.Recorded(step);
        turn.State = turn.State.With(run with { ToldStep = step });
        turn.Add(run.Id, [.. crew.Members.Keys.Select(worker => new RunEffect.Tell(worker, recorded))]);
    }

    private static void Adopt(ClusterTurn turn, ClusterEvent.RunsAdopted adopted)
    {
        turn.State = Draining.Adopt(turn.State, adopted.Pool) with { LastWorkerNumber = adopted.LastWorkerNumber };
        foreach (var revived in adopted.Runs)
        {
            var (run, effects) = revived.Begin(turn.State.Options.Waits, turn.Now);
            turn.State = turn.State.With(run);
            turn.Add(run.Id, effects);
        }
    }

    private static void Attach(ClusterTurn turn, ClusterEvent.WorkerAttached attached)
    {
        var (state, hello) = (turn.State, attached.Hello);
        if ((WhyNotAdmitted(state, hello) ?? JoinGrantRule.WhyNot(state, attached)) is { } reason)
        {
            turn.Effects.Add(new ClusterEffect.Reject(attached.Connection, reason));
            return;
        }

        if (hello.Member is { } former && state.Workers.TryGetValue(former.Worker, out var stale) && (stale.Hello.Pid, stale.Hello.Host) == (hello.Pid, hello.Host))
        {
            // It hung up first: of a network that was away, this side hears later. Here the worker is as good as lost, and comes back as such.
            Lose(turn, former.Worker, "it has come back by another stream", isBack: true);
            state = turn.State;
        }

        if (hello.Member is { } member && state.Find(member.Run) is { } run && RecordedFor(state, run, member) is { } recorded)
        {
            var back = new Candidate(member.Worker, hello with { Member = null }) { OnlyRun = attached.OnlyRun, IsDrained = Draining.IsDrained(state, hello) };
            turn.State = state.With(back) with { Pulses = state.Pulses.Add(back.Worker, Pulse.First(attached.Connection, turn.Now)) };
            turn.Effects.Add(new ClusterEffect.Admit(attached.Connection, back.Worker, recorded));
            turn.Give(run, new RunEvent.MemberBack(back, member.Generation, member.IsFenced));
            if (back.IsDrained)
            {
                Draining.Leave(turn, back.Worker);
            }

            return;
        }

        var number = state.LastWorkerNumber + 1;
        var worker = WorkerId.FromNumber(number);
        turn.State = state.With(new Candidate(worker, hello) { OnlyRun = attached.OnlyRun, IsDrained = Draining.IsDrained(state, hello) }) with
        {
            LastWorkerNumber = number, Pulses = state.Pulses.Add(worker, Pulse.First(attached.Connection, turn.Now)),
        };
        turn.Effects.Add(new ClusterEffect.Admit(attached.Connection, worker));
        foreach (var waiting in state.Runs)
        {
            if (waiting.Phase is RunPhase.Reviving awaiting && awaiting.Find(hello) is { } free)
            {
                turn.Give(waiting, new RunEvent.MemberFree(free));
            }
        }
    }

    /// <returns>The step up to which the reports of a member that comes back are recorded; null: it is no member any more.</returns>
    private static long? RecordedFor(ClusterState state, RunState run, MemberIdentity member) => run.Phase switch
    {
        RunPhase.Reviving reviving when reviving.Crew.Members.ContainsKey(member.Worker) && !reviving.Back.ContainsKey(member.Worker) => reviving.RecordedStep,
        RunPhase.Queued when run.LastCrew is { } last && last.Crew.Members.ContainsKey(member.Worker) && member.Generation >= last.Crew.Generation && !state.Workers.ContainsKey(member.Worker) => last.RecordedStep,
        _ => null,
    };

    private static string? WhyNotAdmitted(ClusterState state, WorkerMessage.Hello hello)
    {
        if (hello.Version != state.Options.Version)
        {
            return $"The worker (pid {hello.Pid} on {hello.Host}) is version {hello.Version} and the coordinator {state.Options.Version}. "
                + "Run the same version on every host.";
        }

        if (hello.CollectiveAddress.Length == 0)
        {
            return $"The worker (pid {hello.Pid} on {hello.Host}) did not say where its peers reach it. Start it with --listen HOST:PORT.";
        }

        if (LabelRule.WhyNot(hello.Labels) is { } label)
        {
            return $"The worker (pid {hello.Pid} on {hello.Host}) has a label that is none: {label}";
        }

        return state.Workers.Count >= ClusterState.MaxWorkers
            ? $"{state.Workers.Count} workers are attached, which is the limit. Start another coordinator."
            : null;
    }

    private static void Submit(ClusterTurn turn, RunOrder order)
    {
        if (turn.State.Find(order.Id) is not null)
        {
            turn.Effects.Add(new ClusterEffect.Note($"Run {order.Id} was submitted again; it is known already."));
            return;
        }

        var (run, effects) = RunMachine.Create(order, turn.State.Options.Waits);
        turn.State = turn.State.With(run);
        turn.Add(run.Id, effects);
    }

    /// <summary>Every run gets nearer to its share: some start, some take free workers in, some let workers go. Again until nothing moves, for each move may make way for another.</summary>
    private static void Schedule(ClusterTurn turn)
    {
        while (ScheduleRule.Next(turn.State = turn.State.Counting()) is { } move)
        {
            foreach (var passed in move.Passes)
            {
                turn.Give(turn.State.Find(passed), new RunEvent.Passed(move.Run));
            }

            var before = turn.State.Find(move.Run)!;
            turn.Give(before, move.Event);
            if (ReferenceEquals(before, turn.State.Find(move.Run)))
            {
                // The run does not take it now; it is looked at again when something has changed.
                return;
            }
        }
    }
}
