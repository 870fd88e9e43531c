using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
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
                turn.Give(state.RunOf(said.Worker), new RunEvent.WorkerSaid(said.Worker, said.Message));
                if (said.Message is WorkerMessage.Leaving)
                {
                    // Its stream ends soon; until then no run may count on it.
                    turn.State = turn.State with { Workers = turn.State.Workers.Remove(said.Worker) };
                }

                break;
            case ClusterEvent.WorkerLost lost:
                turn.State = state with { Workers = state.Workers.Remove(lost.Worker) };
                turn.Give(state.RunOf(lost.Worker), new RunEvent.WorkerLost(lost.Worker, lost.Reason));
                break;
            case ClusterEvent.RunSubmitted submitted:
                Submit(turn, submitted.Order);
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

        Form(turn);
        return (Forget(turn.State), turn.Effects.ToImmutable());
    }

    private static void Attach(Turn turn, ClusterEvent.WorkerAttached attached)
    {
        var (state, hello) = (turn.State, attached.Hello);
        if (WhyNotAdmitted(state, hello) is { } reason)
        {
            turn.Effects.Add(new ClusterEffect.Reject(attached.Connection, reason));
            return;
        }

        var number = state.LastWorkerNumber + 1;
        var worker = WorkerId.FromNumber(number);
        turn.State = state with { LastWorkerNumber = number, Workers = state.Workers.Add(worker, new Candidate(worker, hello)) };
        turn.Effects.Add(new ClusterEffect.Admit(attached.Connection, worker));
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
            var free = turn.State.Workers.Values.Where(candidate => turn.State.RunOf(candidate.Worker) is null);
            var decision = FormationRule.Decide(run.Order.Job.Workers, free, run.Refused, run.Order.Launcher, queued.IsGraceOver);
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

        public ImmutableArray<ClusterEffect>.Builder Effects { get; } = ImmutableArray.CreateBuilder<ClusterEffect>();

        public void Give(RunState? run, RunEvent @event)
        {
            if (run is null)
            {
                Effects.Add(new ClusterEffect.Note($"{@event.GetType().Name} concerns no run."));
                return;
            }

            var (next, effects) = RunMachine.Step(run, @event, State.Options.Waits, now);
            State = State with { Runs = State.Runs.Replace(State.Find(run.Id)!, next) };
            Add(run.Id, effects);
        }

        public void Add(RunId run, ImmutableArray<RunEffect> effects) =>
            Effects.AddRange(effects.Select<RunEffect, ClusterEffect>(
                effect => effect is RunEffect.Note note ? new ClusterEffect.Note(note.Sentence) : new ClusterEffect.ForRun(run, effect)));
    }
}
