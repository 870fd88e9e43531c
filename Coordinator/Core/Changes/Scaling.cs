using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>A person wants another number of workers: the newest go first when it is lower, and free ones join when it is higher.</summary>
public static class Scaling
{
    /// <returns>Null when a run may have this many workers; else the sentence.</returns>
    public static string? WhyNot(RunState state, int desired)
    {
        var workers = state.Order.Job.Workers;
        return desired < workers.Min ? $"{desired} is below workers.min, which is {workers.Min} for run {state.Id}. Ask for {workers.Min} or more."
            : desired > workers.Max ? $"{desired} is above workers.max, which is {workers.Max} for run {state.Id}. Ask for {workers.Max} or fewer."
            : null;
    }

    internal static RunTurn Set(RunState state, int desired)
    {
        if (WhyNot(state, desired) is { } reason)
        {
            return (state, [RunMachine.Note(reason)]);
        }

        var scaled = state with { Scale = new Scale(desired, desired) };
        var record = new RunEffect.Record(new RunRecord.RunScaled(state.Generation, state.Progress.HighestStep, desired));
        var staying = state.Staying.ToImmutableArray();
        var surplus = staying.Length - desired;
        if (state.Crew is not { } crew || surplus <= 0)
        {
            return (scaled, [record]);
        }

        // Who is not in yet has nothing to hand over.
        ImmutableArray<WorkerId> joiners =
        [
            .. state.Joiners.Values.Where(joiner => joiner.Stage != JoinStage.Entering && !crew.Members.ContainsKey(joiner.Candidate.Worker))
                .Select(joiner => joiner.Candidate.Worker).Reverse().Take(surplus),
        ];
        var leavers = staying.Except(joiners).Order().Reverse().Take(surplus - joiners.Length);
        var release = new CoordinatorMessage.Release($"Run {state.Id} wants {desired} workers.");
        return (scaled with { Joiners = scaled.Joiners.RemoveRange(joiners), Leavers = scaled.Leavers.Union(leavers) },
            [record, .. joiners.Select(worker => new RunEffect.Tell(worker, release))]);
    }
}
