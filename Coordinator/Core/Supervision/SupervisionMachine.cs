using System.Collections.Immutable;
using System.Globalization;

namespace Orchestrator.Coordinator.Core.Supervision;

/// <summary>Starts worker processes in place of those that ended: at once, then with growing delays, and not for ever.</summary>
/// <remarks>A slot that gives up costs a worker and not the run. When fewer slots than workers.min are left the run is told, with the error of the
/// first process that failed: the later ones mostly failed because of it.</remarks>
public static class SupervisionMachine
{
    public static (SupervisionState Next, ImmutableArray<SupervisionEffect> Effects) Step(SupervisionState state, SupervisionEvent @event, DateTimeOffset now)
    {
        switch (@event)
        {
            case SupervisionEvent.Wanted wanted:
                return Fill(state with { Desired = wanted.Desired });
            case SupervisionEvent.Started started when state.Slots.TryGetValue(started.Slot, out var slot):
                return (With(state, started.Slot, slot with { Pid = started.Pid, MemberSince = null }), []);
            case SupervisionEvent.NotStarted failed when state.Slots.TryGetValue(failed.Slot, out var slot):
                return End(state, failed.Slot, slot, false, $"A worker process could not be started: {failed.Reason.TrimEnd('.')}.", now);
            case SupervisionEvent.Ended ended when state.Slots.TryGetValue(ended.Slot, out var slot) && slot.Pid == ended.Pid:
                return End(state, ended.Slot, slot, ended.IsWell, slot.MemberSince is null ? ended.How : ended.Brief, now);
            case SupervisionEvent.BecameMember member when Find(state, member.Pid) is { } number:
                var known = state.Slots[number];
                return (With(state, number, known with { MemberSince = known.MemberSince ?? now, EarlyEnds = 0 }) with { FirstError = null }, []);
            case SupervisionEvent.Lost lost when Find(state, lost.Pid) is { } number:
                return (state, [new SupervisionEffect.AwaitThaw(number, lost.Pid, state.Limits.Thaw)]);
            case SupervisionEvent.ThawOver { IsAttached: false } over when state.Slots.TryGetValue(over.Slot, out var slot) && slot.Pid == over.Pid:
                return (state,
                [
                    new SupervisionEffect.Say(Invariant($"The worker process {over.Pid} was lost {state.Limits.Thaw.TotalSeconds:0} s ago and has not come back; it is killed and replaced.")),
                    new SupervisionEffect.Kill(over.Pid),
                ]);
            case SupervisionEvent.DelayOver over when state.Slots.TryGetValue(over.Slot, out var slot) && slot.Stage == SlotStage.Waiting:
                return state.Kept > state.Desired
                    ? (state with { Slots = state.Slots.Remove(over.Slot) }, [])
                    : (With(state, over.Slot, slot with { Stage = SlotStage.Running }), [new SupervisionEffect.Start(over.Slot)]);
            default:
                return (state, []);
        }
    }

    private static (SupervisionState, ImmutableArray<SupervisionEffect>) Fill(SupervisionState state)
    {
        var effects = ImmutableArray.CreateBuilder<SupervisionEffect>();
        for (var missing = state.Desired - state.Slots.Count; missing > 0; missing--)
        {
            var number = state.Slots.IsEmpty ? 1 : state.Slots.Keys.Max() + 1;
            state = With(state, number, new Slot(SlotStage.Running, 0));
            effects.Add(new SupervisionEffect.Start(number));
        }

        return (state, effects.ToImmutable());
    }

    private static (SupervisionState, ImmutableArray<SupervisionEffect>) End(
        SupervisionState state, int number, Slot slot, bool isWell, string how, DateTimeOffset now)
    {
        if (state.Kept > state.Desired)
        {
            // The run was scaled in, and this is one of those that left.
            return (state with { Slots = state.Slots.Remove(number) }, []);
        }

        var limits = state.Limits;
        var wasMember = slot.MemberSince is not null;
        var wasStable = slot.MemberSince is { } since && now - since >= limits.Stable;
        ImmutableArray<DateTimeOffset> restarts = [.. slot.Restarts.Where(at => now - at < limits.Window), now];
        var failures = isWell || wasStable ? 1 : slot.Failures + 1;
        var next = slot with
        {
            Stage = SlotStage.Waiting, Pid = 0, MemberSince = null, Failures = failures, EarlyEnds = wasMember ? 0 : slot.EarlyEnds + 1, Restarts = restarts,
        };
        state = wasMember ? state : state with { FirstError = state.FirstError ?? how };
        if (next.EarlyEnds >= limits.MaxEarlyEnds)
        {
            return GiveUp(With(state, number, next with { Stage = SlotStage.GivenUp }), how, Invariant($"after {next.EarlyEnds} that ended before they were members"));
        }

        if (restarts.Length > limits.MaxRestarts)
        {
            var most = Invariant($"after {limits.MaxRestarts} {(limits.MaxRestarts == 1 ? "restart" : "restarts")} within {limits.Window.TotalMinutes:0} minutes, the most that --restarts allows");
            return GiveUp(With(state, number, next with { Stage = SlotStage.GivenUp }), how, most);
        }

        var delay = DelayOf(limits, failures);
        var when = delay == TimeSpan.Zero ? "at once" : Invariant($"in {delay.TotalSeconds:0.0} s");
        var say = new SupervisionEffect.Say(
            Invariant($"{(isWell ? "A worker process has left." : how)} Another is started {when} (restart {restarts.Length} of at most {limits.MaxRestarts} within {limits.Window.TotalMinutes:0} minutes)."),
            IsBad: !isWell);
        return delay == TimeSpan.Zero
            ? (With(state, number, next with { Stage = SlotStage.Running }), [say, new SupervisionEffect.Start(number)])
            : (With(state, number, next), [say, new SupervisionEffect.Delay(number, delay)]);
    }

    private static (SupervisionState, ImmutableArray<SupervisionEffect>) GiveUp(SupervisionState state, string how, string why)
    {
        var needed = Math.Max(1, state.Min);
        var said = Invariant($"{how} It is not started again, {why}: {state.Kept} worker {(state.Kept == 1 ? "process is" : "processes are")} kept");
        if (state.Kept >= needed)
        {
            return (state, [new SupervisionEffect.Say($"{said}.")]);
        }

        return state.HasGivenUp ? (state, [])
            : (state with { HasGivenUp = true }, [new SupervisionEffect.GiveUp(state.FirstError ?? Invariant($"{said}, and the run needs {needed}."))]);
    }

    private static TimeSpan DelayOf(RestartLimits limits, int failures)
    {
        if (failures <= 1)
        {
            return TimeSpan.Zero;
        }

        var delay = limits.FirstDelay * Math.Pow(2, Math.Min(failures - 2, 30));
        return delay < limits.MaxDelay ? delay : limits.MaxDelay;
    }

    private static int? Find(SupervisionState state, int pid) =>
        state.Slots.Where(slot => slot.Value.Pid == pid).Select(slot => (int?)slot.Key).FirstOrDefault();

    private static SupervisionState With(SupervisionState state, int number, Slot slot) => state with { Slots = state.Slots.SetItem(number, slot) };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
