using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>After a loss: everyone who is left is fenced, says what it holds, and goes on in the next generation. Another loss begins it again.</summary>
internal static class RegroupingMachine
{
    /// <param name="state">The run.</param>
    /// <param name="crew">Everyone who is left, of both generations when a change was under way.</param>
    /// <param name="finished">Members that have applied the last step.</param>
    /// <param name="cause">Why, and since when.</param>
    /// <param name="waits">How long for answers.</param>
    /// <param name="before">Records of what happened.</param>
    public static RunTurn Begin(
        RunState state, Crew crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished, RegroupCause cause, RunWaits waits,
        params ReadOnlySpan<RunEffect> before)
    {
        if (crew.Members.IsEmpty)
        {
            return Requeue.WhenNobodyIsLeft(state, crew, cause, before);
        }

        var next = state.LastGeneration.Next;
        var fence = new CoordinatorMessage.Fence(next, cause.Sentence);
        var phase = new RunPhase.Regrouping(next, crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Fenced>.Empty, finished, cause);
        return (state with { Phase = phase, LastGeneration = next, Reason = cause.Sentence },
        [
            .. before,
            .. crew.Members.Keys.Select(worker => new RunEffect.Tell(worker, fence)),
            new RunEffect.StartTimer(RunTimer.Fence, next, waits.Fence),
        ]);
    }

    public static RunTurn Step(RunState state, RunPhase.Regrouping phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.WorkerSaid said when phase.Crew.Members.ContainsKey(said.Worker):
                return Hear(state, phase, said, waits, now);
            case RunEvent.WorkerLost lost when phase.Crew.Members.TryGetValue(lost.Worker, out var member):
                return Lose(state, phase, lost.Worker, FailureCause.Loss(member, state.Progress.HighestStep, lost.Reason).Sentence, waits, MemberNews.Lost(state, member, lost.Reason));
            case RunEvent.TimerFired { Timer: RunTimer.Fence } fired when fired.Generation == phase.Next:
                return TimeOut(state, phase, waits, now);
            case RunEvent.Tick tick:
                return LivenessRule.GiveUp(state, tick.Pulses, phase.Cause.Since, waits, now);
            case RunEvent.StopRequested stop:
                return Ending.Stop(state, stop.Reason);
            default:
                return JoinerMachine.Step(state, @event) ?? RunMachine.Ignore(state, @event);
        }
    }

    private static RunTurn Hear(RunState state, RunPhase.Regrouping phase, RunEvent.WorkerSaid said, RunWaits waits, DateTimeOffset now)
    {
        switch (said.Message)
        {
            case WorkerMessage.Fenced fenced when fenced.Generation == phase.Next:
                return Settle(state, phase with { Answers = phase.Answers.SetItem(said.Worker, fenced) }, [], now);
            case WorkerMessage.Finished finished when Completion.Counts(phase.Crew, finished):
                var (known, effects) = MemberNews.Finish(state, phase.Finished, said.Worker, finished);
                return Completion.IsComplete(phase.Crew.Members, known)
                    ? Completion.Settle(state, new RunPhase.Running(phase.Crew, known), effects, waits)
                    : (state with { Phase = phase with { Finished = known } }, effects);
            case WorkerMessage.Failed failed:
                return MemberFailure.Take(state, phase.Crew.Members[said.Worker], failed, phase.Finished, waits, (next, sentence, records) =>
                    Lose(next, phase, said.Worker, sentence, waits, records));
            default:
                return MemberNews.Hear(state, phase.Crew, phase.Finished, said, waits, now) ?? RunMachine.Ignore(state, said);
        }
    }

    /// <summary>Whoever has not answered is stuck. While nobody has who holds the state, the members may be frozen: then their silence decides.</summary>
    private static RunTurn TimeOut(RunState state, RunPhase.Regrouping phase, RunWaits waits, DateTimeOffset now)
    {
        var late = phase.Crew.Members.Keys.Where(worker => !phase.Answers.ContainsKey(worker)).ToHashSet();
        return LastCopyRule.IsAllThereIs(state, late) && now - phase.Cause.Since < waits.LastCopy + waits.Fence
            ? (state, [new RunEffect.StartTimer(RunTimer.Fence, phase.Next, waits.Fence)])
            : Eviction.Evict(state, late.Order(), $"it did not answer the fence of {phase.Next} within {waits.Fence.TotalSeconds:0} s", waits, now);
    }

    private static RunTurn Lose(
        RunState state, RunPhase.Regrouping phase, WorkerId worker, string sentence, RunWaits waits, params ReadOnlySpan<RunEffect> before)
    {
        var crew = phase.Crew.Without(worker);
        state = JoinerMachine.Without(state, worker);
        return Completion.IsComplete(crew.Members, phase.Finished)
            ? Completion.Settle(state, new RunPhase.Running(crew, phase.Finished), [.. before], waits)
            : Begin(state, crew, phase.Finished, phase.Cause.And(sentence), waits, before);
    }

    /// <summary>With all answers the members go on, or wait when they are too few.</summary>
    private static RunTurn Settle(RunState state, RunPhase.Regrouping phase, ImmutableArray<RunEffect> effects, DateTimeOffset now)
    {
        if (phase.Answers.Count < phase.Crew.Members.Count)
        {
            return (state with { Phase = phase }, effects);
        }

        var plan = RegroupPlan.Create(state.Order.Job.Training.LogicalRanks, phase.Crew, phase.Answers);
        var (next, released) = GiveBack(state, phase, plan.TooFarBehind);
        var left = (RunPhase.Regrouping)next.Phase;
        if (plan.Members.Length < state.Order.Job.Workers.Min && PausedMachine.WhyEnd(next, left.Crew) is { } reason)
        {
            (state, next) = (state with { SuspendReason = reason }, next with { SuspendReason = reason });
        }

        var enough = Ending.IsWanted(state) || plan.StartStep >= LastStepOf(phase) ? 1 : state.Order.Job.Workers.Min;
        var (formed, told) = plan.Members.Length < enough ? PausedMachine.Begin(next, left, now) : Activate(next, left, plan, now);
        return (formed, [.. effects, .. released, .. told]);
    }

    /// <summary>A joiner that had not come in yet has nothing that the others need, and joins anew. A leaver that the others were ahead of has left.</summary>
    private static RunTurn GiveBack(RunState state, RunPhase.Regrouping phase, ImmutableArray<WorkerId> workers)
    {
        var crew = phase.Crew with { Members = phase.Crew.Members.RemoveRange(workers) };
        var release = new CoordinatorMessage.Release($"It was behind when {phase.Next} was formed; it may join again.", MayReturn: true);
        var left = new CoordinatorMessage.Release($"It has left run {state.Id}; the others go on in {phase.Next}.");
        var leavers = workers.Where(state.Leavers.Contains).ToImmutableArray();
        return (state with
        {
            Phase = phase with { Crew = crew, Answers = phase.Answers.RemoveRange(workers) }, Joiners = state.Joiners.RemoveRange(workers),
            Leavers = state.Leavers.Except(leavers),
        },
        [
            .. leavers.Select(leaver => MemberNews.Left(state, phase.Crew.Members[leaver], $"it was leaving when {phase.Next} was formed, and nobody needed it")),
            .. workers.Select(worker => new RunEffect.Tell(worker, leavers.Contains(worker) ? left : release)),
        ]);
    }

    private static RunTurn Activate(RunState state, RunPhase.Regrouping phase, RegroupPlan plan, DateTimeOffset now)
    {
        var former = phase.Crew;
        var newcomers = former.Members.Keys.Where(worker => !former.Ranks.ContainsKey(worker)).Select(worker => KeyValuePair.Create(worker, plan.StartStep));
        var crew = former with
        {
            Generation = phase.Next, Ranks = plan.Members.ToImmutableSortedDictionary(member => member.Worker, member => member), StartStep = plan.StartStep,
            LastStep = LastStepOf(phase), JoinedAt = former.JoinedAt.SetItems(newcomers),
        };
        var (progress, complete) = ProgressRule.Settle(state.Progress.KeepOnly(crew), crew, now);
        var (counted, steps) = MemberNews.Committed(state, progress, complete);
        var why = $"{phase.Cause.Sentence} {Explain(plan, phase.Next)}";
        counted = counted with { Joiners = counted.Joiners.RemoveRange(crew.Members.Keys), Reason = why };
        var (formed, records) = Activation.Form(counted, new RunPhase.Running(crew, phase.Finished), why, phase.Cause.Since, plan.LostRanks, now);
        var activate = new CoordinatorMessage.Activate(phase.Next, plan.Members, plan.StartStep, crew.LastStep, crew.TotalSteps, plan.Donor, plan.Behind);
        RunTurn turn = (formed, [.. steps, .. records, .. plan.Members.Select(member => new RunEffect.Tell(member.Worker, activate))]);
        return turn.Then(CheckpointWatch.MakeGood);
    }

    /// <summary>The members had agreed on a step to end behind when one of them says that it has.</summary>
    private static long LastStepOf(RunPhase.Regrouping phase) =>
        phase.Finished.IsEmpty ? phase.Crew.LastStep : phase.Finished.Values.Max(finished => finished.Step);

    private static string Explain(RegroupPlan plan, Generation next)
    {
        var workers = plan.Members.Length == 1 ? "1 worker goes" : $"{plan.Members.Length} workers go";
        return plan.LostRanks == 0 ? $"{workers} on in {next} with step {plan.StartStep + 1}."
            : $"{workers} on in {next}; {plan.LostRanks} logical {(plan.LostRanks == 1 ? "rank" : "ranks")} of step {plan.StartStep + 1} "
                + $"{(plan.LostRanks == 1 ? "is" : "are")} computed again.";
    }
}
