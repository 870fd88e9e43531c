using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A run whose members make themselves ready: it ends in training, in waiting for others, or in a failure with its reason.</summary>
internal static class PreparingMachine
{
    public static RunTurn Step(
        RunState state, RunPhase.Preparing phase, RunEvent @event, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.WorkerSaid { Message: WorkerMessage.Prepared prepared } said when phase.Members.ContainsKey(said.Worker):
                return state.Agreement is { } agreement && AgreementRule.WhyNotLater(said.Worker, prepared, agreement.Answer) is { } differs
                    ? Refuse(state, phase, said.Worker, differs, FailureKind.Environment, now)
                    : Settle(state, phase with { Answers = phase.Answers.SetItem(said.Worker, prepared) }, [], now);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Refused refused } said when phase.Members.ContainsKey(said.Worker):
                return Refuse(state, phase, said.Worker, refused.Reason, refused.Kind, now);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Failed failed } said when phase.Members.ContainsKey(said.Worker):
                return Refuse(state, phase, said.Worker, failed.Reason, failed.Kind, now);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Leaving { Returns: true } leaving } said when phase.Members.ContainsKey(said.Worker):
                return Settle(state, Without(phase, said.Worker) with { Returning = phase.Returning.Add(said.Worker) }, [], now, leaving.Reason, isRefusal: false);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Leaving leaving } said when phase.Members.ContainsKey(said.Worker):
                // One that is ready waits for its release; the others have ended already.
                var release = new RunEffect.Tell(said.Worker, new CoordinatorMessage.Release($"It was told to end before run {state.Id} began."));
                return Lose(state, phase, said.Worker, $"it was told to end ({leaving.Reason})", now).Before(release);
            case RunEvent.WorkerLost lost when phase.Members.ContainsKey(lost.Worker):
                return Lose(state, phase, lost.Worker, lost.Reason, now);
            case RunEvent.StopRequested stop:
                return RunEnding.StopEarly(state, $"{stop.Reason} It had not taken a step.", phase.Members.Keys);
            case RunEvent.TimerFired { Timer: RunTimer.Prepare } fired when fired.Generation == state.Generation:
                return TimeOut(state, phase, now);
            default:
                return RunMachine.Ignore(state, @event);
        }
    }

    /// <summary>A wrong job is wrong on every worker; anything else concerns this worker only.</summary>
    private static RunTurn Refuse(
        RunState state, RunPhase.Preparing phase, WorkerId worker, string reason, FailureKind kind, DateTimeOffset now)
    {
        var record = new RunEffect.Record(new RunRecord.WorkerRefused(state.Generation, state.Progress.Step, worker, reason));
        if (state.Order.IsEmbedded || kind == FailureKind.Job)
        {
            return RunEnding.Fail(state, reason, kind, phase.Members.Keys, record);
        }

        var release = new RunEffect.Tell(worker, new CoordinatorMessage.Release($"Not a member of run {state.Id}: {reason}"));
        return Settle(Remember(state, worker, reason), Without(phase, worker), [record, release], now, reason);
    }

    private static RunTurn Lose(
        RunState state, RunPhase.Preparing phase, WorkerId worker, string how, DateTimeOffset now)
    {
        var member = phase.Members[worker];
        var reason = $"{member.Describe()} was lost before the first step: {how}.";
        var record = new RunEffect.Record(new RunRecord.WorkerLost(state.Generation, state.Progress.Step, worker, member.Hello.Pid, how));
        return Settle(state, Without(phase, worker), [record], now, reason, isRefusal: false);
    }

    private static RunTurn TimeOut(RunState state, RunPhase.Preparing phase, DateTimeOffset now)
    {
        var late = phase.Members.Keys.Where(worker => !phase.Answers.ContainsKey(worker)).ToImmutableArray();
        var reason = $"{string.Join(", ", late)} did not get ready in time; the other {phase.Answers.Count} did. Look into the worker's log.";
        if (state.Order.IsEmbedded)
        {
            return RunEnding.Fail(state, reason, FailureKind.Environment, phase.Members.Keys);
        }

        var effects = ImmutableArray.CreateBuilder<RunEffect>();
        foreach (var worker in late)
        {
            effects.Add(new RunEffect.Record(new RunRecord.WorkerRefused(state.Generation, state.Progress.Step, worker, reason)));
            // Whatever it loads may never be loaded, and no other run could use it meanwhile.
            effects.Add(new RunEffect.Evict(worker, reason.TrimEnd('.')) { IsHung = true });
            (state, phase) = (Remember(state, worker, reason), Without(phase, worker));
        }

        return Settle(state, phase, effects.ToImmutable(), now, reason);
    }

    /// <summary>Goes on when everyone who is left has answered, or gives the members back when too few are left.</summary>
    /// <param name="state">With the refused workers remembered.</param>
    /// <param name="phase">Without them.</param>
    /// <param name="effects">What was decided already.</param>
    /// <param name="now">For the clock of the first step.</param>
    /// <param name="reason">Why a member is missing; null: none is.</param>
    /// <param name="isRefusal">It is missing because it was refused, and not because it went.</param>
    private static RunTurn Settle(
        RunState state, RunPhase.Preparing phase, ImmutableArray<RunEffect> effects, DateTimeOffset now, string? reason = null,
        bool isRefusal = true)
    {
        var min = state.Order.Job.Workers.Min;
        if (!phase.Returning.IsEmpty)
        {
            return phase.Answers.Count < phase.Members.Count ? (state with { Phase = phase }, effects) : AwaitReturn(state, phase, effects, reason);
        }

        if (phase.Members.Count < min)
        {
            return GiveBack(state, phase, effects, reason!, isRefusal);
        }

        if (phase.Answers.Count < phase.Members.Count)
        {
            return (state with { Phase = phase, Reason = $"{phase.Answers.Count} of {phase.Members.Count} workers are ready." }, effects);
        }

        var agreement = AgreementRule.Decide(phase.Answers);
        if (agreement.Refusals.Length == 0)
        {
            var (running, started) = Activation.Start(state, phase, now);
            return (running, [.. effects, .. started]);
        }

        var first = agreement.Refusals[0];
        var record = new RunEffect.Record(new RunRecord.WorkerRefused(state.Generation, state.Progress.Step, first.Worker, first.Reason));
        if (state.Order.IsEmbedded)
        {
            return RunEnding.Fail(state, first.Reason, FailureKind.Environment, phase.Members.Keys, [.. effects, record]);
        }

        var release = new RunEffect.Tell(first.Worker, new CoordinatorMessage.Release($"Not a member of run {state.Id}: {first.Reason}"));
        return Settle(
            Remember(state, first.Worker, first.Reason), Without(phase, first.Worker), [.. effects, record, release], now, first.Reason);
    }

    /// <summary>Too few are left: the run waits for others. When the very last one was refused it ends: only a change of job or hosts helps.</summary>
    private static RunTurn GiveBack(
        RunState state, RunPhase.Preparing phase, ImmutableArray<RunEffect> effects, string reason, bool isRefusal)
    {
        if (phase.Members.IsEmpty && isRefusal)
        {
            return RunEnding.Fail(state, reason, FailureKind.Environment, [], effects.AsSpan());
        }

        var min = state.Order.Job.Workers.Min;
        return Queue(state, phase, effects, $"{phase.Members.Count} of at least {min} workers are left: {reason} The run waits for others.");
    }

    /// <summary>Everyone else has answered: all are given back, so that the next generation has those who return as well.</summary>
    private static (RunState, ImmutableArray<RunEffect>) AwaitReturn(
        RunState state, RunPhase.Preparing phase, ImmutableArray<RunEffect> effects, string? reason) => Queue(
            state, phase, effects, $"{string.Join(", ", phase.Returning)} {(phase.Returning.Count == 1 ? "starts" : "start")} afresh, and the run waits for that. {reason}".TrimEnd());

    private static (RunState, ImmutableArray<RunEffect>) Queue(
        RunState state, RunPhase.Preparing phase, ImmutableArray<RunEffect> effects, string waiting) =>
        (state with { Phase = new RunPhase.Queued(IsGraceRunning: false, IsGraceOver: false), Reason = waiting },
        [
            .. effects,
            new RunEffect.Record(new RunRecord.RunWaiting(state.Generation, state.Progress.Step, waiting)),
            .. phase.Members.Keys.Select(
                worker => new RunEffect.Tell(worker, new CoordinatorMessage.Release($"Run {state.Id} waits for more workers."))),
        ]);

    private static RunState Remember(RunState state, WorkerId worker, string reason) =>
        state with { Refused = state.Refused.SetItem(worker, reason) };

    private static RunPhase.Preparing Without(RunPhase.Preparing phase, WorkerId worker) =>
        phase with { Members = phase.Members.Remove(worker), Answers = phase.Answers.Remove(worker) };
}
