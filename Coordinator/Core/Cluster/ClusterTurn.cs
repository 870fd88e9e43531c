using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>The state and the effects while one event is worked off.</summary>
internal sealed class ClusterTurn(ClusterState state, DateTimeOffset now)
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
        State = ReferenceEquals(run, next) ? State : State.With(next);
        foreach (var evict in effects.OfType<RunEffect.Evict>())
        {
            State = State.Without(evict.Worker) with { Pulses = State.Pulses.Remove(evict.Worker) };
        }

        SetAsideEnding(effects);
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
            State = State.Without(worker) with { Pulses = State.Pulses.Remove(worker) };
            Effects.Add(new ClusterEffect.Dismiss(worker, $"Its token was good for run {run} only, and that run has ended."));
        }
    }

    /// <summary>A process that a launcher started ends when its run releases it for good: it is free for a moment, and may not be offered.</summary>
    private void SetAsideEnding(ImmutableArray<RunEffect> effects)
    {
        foreach (var tell in effects.OfType<RunEffect.Tell>().Where(tell => tell.Message is CoordinatorMessage.Release { MayReturn: false }))
        {
            if (State.Workers.GetValueOrDefault(tell.Worker) is { Hello.Launcher.Length: > 0 } candidate)
            {
                State = State.With(candidate with { IsEnding = true });
            }
        }
    }

    public void Add(RunId run, ImmutableArray<RunEffect> effects) =>
        Effects.AddRange(effects.Select<RunEffect, ClusterEffect>(
            effect => effect is RunEffect.Note note ? new ClusterEffect.Note(note.Sentence) : new ClusterEffect.ForRun(run, effect)));
}
