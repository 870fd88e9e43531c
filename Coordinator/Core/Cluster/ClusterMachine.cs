using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>Takes workers in, queues runs, and gives each run in turn the free workers that it asks for.</summary>
/// <remarks>One run at a time, first come first served. What happens within a run is decided by <see cref="RunMachine"/>.</remarks>
public static class ClusterMachine
{
    public static (ClusterState State, ImmutableArray<ClusterEffect> Effects) Step(ClusterState state, ClusterEvent @event, DateTimeOffset now)
    {
        var turn = new Turn(state, now);
        switch (@event)
        {
            case ClusterEvent.WorkerAttached attached:
                Attach(turn, attached);
                break;
            case ClusterEvent.WorkerSaid said:
                Hear(turn, said);
                break;
            case ClusterEvent.WorkerLost lost:
                turn.State = state with { Workers = state.Workers.Remove(lost.Worker), Pulses = state.Pulses.Remove(lost.Worker) };
                turn.Give(state.RunOf(lost.Worker), new RunEvent.WorkerLost(lost.Worker, lost.Reason));
                break;
            case ClusterEvent.Tick:
                Tick(turn);
                break;
            case ClusterEvent.ScaleRequested scale:
                turn.Give(state.Find(scale.Run), new RunEvent.ScaleRequested(scale.Desired));
                break;
            case ClusterEvent.DrainRequested drain:
                Drain(turn, drain.Worker);
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
            case ClusterEvent.TimerFired fired:
                turn.Give(state.Find(fired.Run), new RunEvent.TimerFired(fired.Timer, fired.Generation));
                break;
        }

        // Both look at every free worker: only when what they look at is another than before.
        if (FormationView.Of(turn.State) != FormationView.Of(state))
        {
            Form(turn);
        }

        if (RecruitView.Of(turn.State) != RecruitView.Of(state))
        {
            Recruit(turn);
        }

        return (Forget(turn.State), turn.Effects.ToImmutable());
    }

    private static void Hear(Turn turn, ClusterEvent.WorkerSaid said)
    {
        var state = turn.State;
        if (state.Pulses.TryGetValue(said.Worker, out var pulse))
        {
            turn.State = state with { Pulses = state.Pulses.SetItem(said.Worker, pulse.Hear(said.Message is WorkerMessage.Heartbeat, turn.Now)) };
        }

        if (said.Message is WorkerMessage.Heartbeat)
        {
            return;
        }

        turn.Give(state.RunOf(said.Worker), new RunEvent.WorkerSaid(said.Worker, said.Message));
        if (said.Message is WorkerMessage.Leaving)
        {
            SetAside(turn, said.Worker);
        }
    }

    /// <summary>Its stream ends soon, or when its run has released it; no other run may count on it.</summary>
    private static void SetAside(Turn turn, WorkerId worker)
    {
        var workers = turn.State.Workers;
        if (workers.TryGetValue(worker, out var candidate))
        {
            turn.State = turn.State with
            {
                Workers = turn.State.RunOf(worker) is null ? workers.Remove(worker) : workers.SetItem(worker, candidate with { IsLeaving = true }),
            };
        }
    }

    /// <summary>As if the worker had said that it leaves; its process need not know why it is released.</summary>
    private static void Drain(Turn turn, WorkerId worker)
    {
        if (!turn.State.Workers.TryGetValue(worker, out var candidate))
        {
            turn.Effects.Add(new ClusterEffect.Note($"No worker {worker} is attached."));
            return;
        }

        var run = turn.State.RunOf(worker);
        turn.State = turn.State with { Workers = turn.State.Workers.SetItem(worker, candidate with { IsLeaving = true }) };
        if (run is null)
        {
            return;
        }

        turn.Give(run, new RunEvent.WorkerSaid(worker, new WorkerMessage.Leaving("drained on request")));
        if (turn.State.RunOf(worker) is null && turn.State.Find(run.Id)!.Phase is not RunPhase.Ended)
        {
            turn.Add(run.Id, [new RunEffect.Tell(worker, new CoordinatorMessage.Release("It is drained on request."))]);
        }
    }

    private static void Tick(Turn turn)
    {
        var state = turn.State;
        var since = turn.Now - state.LastTick;
        var pulses = state.Pulses.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value.Tick(since, turn.Now));
        turn.State = state with { LastTick = turn.Now, Pulses = pulses };
        if (turn.State.Current is { Crew: not null } run)
        {
            turn.Give(run, new RunEvent.Tick(pulses));
        }

        SayWhatIsRecorded(turn);
    }

    /// <summary>Four times a second at most, and only when there is something new.</summary>
    private static void SayWhatIsRecorded(Turn turn)
    {
        if (!turn.State.Options.IsDurable || turn.State.Current is not { Crew: { } crew, Phase: not RunPhase.Reviving } run || run.Progress.Step == turn.State.RecordedStep)
        {
            return;
        }

        var recorded = new CoordinatorMessage.Recorded(run.Progress.Step);
        turn.State = turn.State with { RecordedStep = run.Progress.Step };
        turn.Add(run.Id, [.. crew.Members.Keys.Select(worker => new RunEffect.Tell(worker, recorded))]);
    }

    private static void Adopt(Turn turn, ClusterEvent.RunsAdopted adopted)
    {
        turn.State = turn.State with { LastWorkerNumber = adopted.LastWorkerNumber };
        foreach (var revived in adopted.Runs)
        {
            var (run, effects) = revived.Begin(turn.State.Options.Waits, turn.Now);
            turn.State = turn.State with { Runs = turn.State.Runs.Add(run) };
            turn.Add(run.Id, effects);
        }
    }

    /// <summary>Free workers join the run that trains.</summary>
    private static void Recruit(Turn turn)
    {
        if (turn.State.Current is { Phase: RunPhase.Running or RunPhase.Paused } run && JoinRule.Decide(run, Free(turn.State)) is { IsNothing: false } decision)
        {
            turn.Give(run, new RunEvent.WorkersOffered(decision));
        }
    }

    private static IEnumerable<Candidate> Free(ClusterState state)
    {
        var run = state.Current;
        return state.Workers.Values.Where(candidate => !candidate.IsLeaving && run?.IsServedBy(candidate.Worker) != true && (run is null || JoinGrantRule.MayServe(candidate, run.Id)));
    }

    private static void Attach(Turn turn, ClusterEvent.WorkerAttached attached)
    {
        var (state, hello) = (turn.State, attached.Hello);
        if ((WhyNotAdmitted(state, hello) ?? JoinGrantRule.WhyNot(state, attached)) is { } reason)
        {
            turn.Effects.Add(new ClusterEffect.Reject(attached.Connection, reason));
            return;
        }

        if (hello.Member is { } member && state.Find(member.Run) is { Phase: RunPhase.Reviving reviving } run
            && reviving.Crew.Members.ContainsKey(member.Worker) && !reviving.Back.ContainsKey(member.Worker))
        {
            var back = new Candidate(member.Worker, hello with { Member = null }) { OnlyRun = attached.OnlyRun };
            turn.State = state with { Workers = state.Workers.Add(back.Worker, back), Pulses = state.Pulses.Add(back.Worker, Pulse.First(turn.Now)) };
            turn.Effects.Add(new ClusterEffect.Admit(attached.Connection, back.Worker, reviving.RecordedStep));
            turn.Give(run, new RunEvent.MemberBack(back, member.Generation, member.IsFenced));
            return;
        }

        var number = state.LastWorkerNumber + 1;
        var worker = WorkerId.FromNumber(number);
        turn.State = state with
        {
            LastWorkerNumber = number, Workers = state.Workers.Add(worker, new Candidate(worker, hello) { OnlyRun = attached.OnlyRun }), Pulses = state.Pulses.Add(worker, Pulse.First(turn.Now)),
        };
        turn.Effects.Add(new ClusterEffect.Admit(attached.Connection, worker));
        if (state.Current is { Phase: RunPhase.Reviving awaiting } waiting && awaiting.Find(hello) is { } free)
        {
            turn.Give(waiting, new RunEvent.MemberFree(free));
        }
    }

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

        return state.Workers.Count >= ClusterState.MaxWorkers
            ? $"{state.Workers.Count} workers are attached, which is the limit. Start another coordinator."
            : null;
    }

    private static void Submit(Turn turn, RunOrder order)
    {
        if (turn.State.Find(order.Id) is not null)
        {
            turn.Effects.Add(new ClusterEffect.Note($"Run {order.Id} was submitted again; it is known already."));
            return;
        }

        var (run, effects) = RunMachine.Create(order, turn.State.Options.Waits);
        turn.State = turn.State with { Runs = turn.State.Runs.Add(run) };
        turn.Add(run.Id, effects);
    }

    /// <summary>Lets the run whose turn it is look at the free workers; when it ends at that, the next one does.</summary>
    private static void Form(Turn turn)
    {
        while (turn.State.Current is { Phase: RunPhase.Queued queued } run)
        {
            // A run that has trained goes on with the numerics that it had.
            var wanted = run.Order.Job.Workers with { Desired = run.Scale.Desired, Isa = run.Agreement?.Isa ?? run.Order.Job.Workers.Isa };
            var decision = FormationRule.Decide(wanted, Free(turn.State), run.Refused, run.Order.Launcher, queued.IsGraceOver);
            if (decision.Reason == run.Reason && !decision.IsFormed && decision.Refusals.IsEmpty)
            {
                return;
            }

            turn.Give(run, new RunEvent.FormationDecided(decision));
        }
    }

    private static ClusterState Forget(ClusterState state)
    {
        var surplus = state.Runs.Count(run => run.Phase is RunPhase.Ended) - ClusterState.MaxEndedRuns;
        return surplus <= 0 ? state : state with { Runs = state.Runs.Remove(state.Runs.First(run => run.Phase is RunPhase.Ended)) };
    }

    /// <summary>The state and the effects while one event is worked off.</summary>
    private sealed class Turn(ClusterState state, DateTimeOffset now)
    {
        public ClusterState State { get; set; } = state;

        public DateTimeOffset Now { get; } = now;

        public ImmutableArray<ClusterEffect>.Builder Effects { get; } = ImmutableArray.CreateBuilder<ClusterEffect>();

        public void Give(RunState? run, RunEvent @event)
        {
            if (run is null)
            {
                Effects.Add(new ClusterEffect.Note($"{@event.GetType().Name} concerns no run."));
                return;
            }

            var (next, effects) = RunMachine.Step(run, @event, State.Options.Waits, Now);
            var evicted = effects.OfType<RunEffect.Evict>().Select(evict => evict.Worker).ToImmutableArray();
            State = State with
            {
                Runs = State.Runs.Replace(State.Find(run.Id)!, next), Workers = WithEnding(State.Workers.RemoveRange(evicted), effects), Pulses = State.Pulses.RemoveRange(evicted),
            };
            Add(run.Id, effects);
            if (next.Phase is RunPhase.Ended && run.Phase is not RunPhase.Ended)
            {
                Dismiss(next.Id);
            }
        }

        /// <summary>Who came for this run only has nothing to wait for.</summary>
        private void Dismiss(RunId run)
        {
            foreach (var worker in JoinGrantRule.BoundTo(State, run).ToList())
            {
                State = State with { Workers = State.Workers.Remove(worker), Pulses = State.Pulses.Remove(worker) };
                Effects.Add(new ClusterEffect.Dismiss(worker, $"Its token was good for run {run} only, and that run has ended."));
            }
        }

        /// <summary>A process that a launcher started ends when its run releases it for good: it is free for a moment, and may not be offered.</summary>
        private static ImmutableSortedDictionary<WorkerId, Candidate> WithEnding(ImmutableSortedDictionary<WorkerId, Candidate> workers, ImmutableArray<RunEffect> effects) =>
            workers.SetItems(effects.OfType<RunEffect.Tell>().Where(tell => tell.Message is CoordinatorMessage.Release { MayReturn: false })
                .Select(tell => workers.GetValueOrDefault(tell.Worker)).OfType<Candidate>().Where(candidate => candidate.Hello.Launcher.Length > 0)
                .Select(candidate => KeyValuePair.Create(candidate.Worker, candidate with { IsLeaving = true })));

        public void Add(RunId run, ImmutableArray<RunEffect> effects) =>
            Effects.AddRange(effects.Select<RunEffect, ClusterEffect>(
                effect => effect is RunEffect.Note note ? new ClusterEffect.Note(note.Sentence) : new ClusterEffect.ForRun(run, effect)));
    }
}
