using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Revival;

/// <summary>A run whose coordinator was lost: its members train on and come back one by one. When all are there as they were, nothing changes; else they regroup.</summary>
internal static class RevivingMachine
{
    /// <summary>Waits in which nobody at all may come before the run is given back to the queue: half a minute, in which a network or a host comes back.</summary>
    private const int MostWaits = 15;

    public static RunTurn Begin(RunState state, Crew crew, bool isChanging, long recorded, RunWaits waits)
    {
        var phase = new RunPhase.Reviving(crew, ImmutableSortedDictionary<WorkerId, Generation>.Empty, isChanging, recorded);
        return (state with { Phase = phase, Reason = $"A coordinator took the run over; {crew.Members.Count} members are to come back." },
            [new RunEffect.StartTimer(RunTimer.Return, state.LastGeneration, waits.Return)]);
    }

    /// <summary>The streams of all members had ended, so the run waits in the queue; one of them comes back, and had trained on. The others may come too, as after the loss of a coordinator.</summary>
    public static RunTurn Return(RunState state, LastCrew last, RunEvent.MemberBack back, RunWaits waits, DateTimeOffset now)
    {
        var phase = new RunPhase.Reviving(last.Crew, ImmutableSortedDictionary<WorkerId, Generation>.Empty, IsChanging: true, last.RecordedStep) { IsSameOwner = true };
        RunTurn turn = (state with { Phase = phase, LastCrew = null, SuspendReason = last.SuspendReason, ResumeFrom = last.ResumeFrom, Reason = $"{back.Candidate.Worker} came back with the run's state; {last.Crew.Members.Count - 1} others may." },
            [new RunEffect.StartTimer(RunTimer.Return, state.LastGeneration, waits.Return)]);
        return turn.Then(next => RunMachine.Step(next, back, waits, now));
    }

    public static RunTurn Step(RunState state, RunPhase.Reviving phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.MemberBack back when phase.Crew.Members.ContainsKey(back.Candidate.Worker):
                var crew = phase.Crew with { Members = phase.Crew.Members.SetItem(back.Candidate.Worker, back.Candidate) };
                // One that is fenced waits for a word of the generation, which was stored and perhaps not told.
                var told = phase with { Crew = crew, Back = phase.Back.SetItem(back.Candidate.Worker, back.Generation), IsChanging = phase.IsChanging || back.IsFenced };
                return Consider(state, told, waits, now);
            case RunEvent.WorkerSaid { Message: WorkerMessage.CaughtUp } said when phase.Back.ContainsKey(said.Worker):
                return Consider(state, phase with { CaughtUp = phase.CaughtUp.Add(said.Worker) }, waits, now);
            case RunEvent.WorkerSaid said when phase.Back.ContainsKey(said.Worker):
                // Bounded by what a worker keeps, and by the seconds that this takes.
                return (state with { Phase = phase with { Heard = phase.Heard.Enqueue(said) } }, []);
            case RunEvent.WorkerLost { IsBack: true } lost when phase.Back.ContainsKey(lost.Worker):
                // The store was slow, so it was not welcomed in time, and asked again: it is still what it was, and tells everything anew.
                return (state with { Phase = phase with { Back = phase.Back.Remove(lost.Worker), CaughtUp = phase.CaughtUp.Remove(lost.Worker) } }, []);
            case RunEvent.WorkerLost lost when phase.Back.ContainsKey(lost.Worker):
                var left = phase with { Crew = phase.Crew.Without(lost.Worker), Back = phase.Back.Remove(lost.Worker), CaughtUp = phase.CaughtUp.Remove(lost.Worker), IsChanging = true };
                return Consider(state, left, waits, now).Before(MemberNews.Lost(state, phase.Crew.Members[lost.Worker], lost.Reason));
            case RunEvent.MemberFree free when phase.Crew.Members.TryGetValue(free.Worker, out var member) && !phase.Back.ContainsKey(free.Worker):
                // Nobody waits for it any more. Of a generation that was stored and told to none of its members, that is all of them.
                return Consider(state, phase with { Crew = phase.Crew.Without(free.Worker), IsChanging = true }, waits, now)
                    .Before(MemberNews.Lost(state, member, "its process had not begun to train, or has dropped the run"));
            case RunEvent.TimerFired { Timer: RunTimer.Return } fired when fired.Generation == state.LastGeneration:
                return phase.Back.IsEmpty && phase.Waits < MostWaits
                    ? (state with { Phase = phase with { Waits = phase.Waits + 1 } }, [new RunEffect.StartTimer(RunTimer.Return, state.LastGeneration, waits.Return)])
                    : Consider(state, phase with { IsTimeOver = true }, waits, now);
            case RunEvent.StopRequested stop:
                return Ending.Stop(state, stop.Reason);
            default:
                return RunMachine.Ignore(state, @event);
        }
    }

    private static RunTurn Consider(RunState state, RunPhase.Reviving phase, RunWaits waits, DateTimeOffset now) =>
        (phase.IsTimeOver || phase.Back.Count == phase.Crew.Members.Count) && phase.Back.Keys.All(phase.CaughtUp.Contains)
            ? Settle(state, phase, waits, now) : (state with { Phase = phase }, []);

    /// <summary>Nobody else is waited for.</summary>
    private static RunTurn Settle(RunState state, RunPhase.Reviving phase, RunWaits waits, DateTimeOffset now)
    {
        var missing = phase.Crew.Members.Values.Where(member => !phase.Back.ContainsKey(member.Worker)).ToImmutableArray();
        var told = phase.Back.Values.DefaultIfEmpty(Generation.None).Max();
        state = state with { LastGeneration = told > state.LastGeneration ? told : state.LastGeneration };
        var turn = missing.IsEmpty && !phase.IsChanging && phase.Back.Values.All(generation => generation == phase.Crew.Generation)
            ? GoOn(state, phase, waits) : Regroup(state, phase, missing, waits, now);
        // Of a long time without an owner these are hundreds of thousands: nothing is copied for each of them.
        var (next, effects) = (ClockedFrom(turn.State, now), turn.Effects.ToBuilder());
        foreach (var said in Replay(phase))
        {
            (next, var more) = RunMachine.Step(next, said, waits, now);
            effects.AddRange(more);
        }

        // Of steps that the former owner had counted, and whose entries it could not write, no member's report commits them again.
        var (known, written) = next.Crew is null ? (next, []) : LedgerNews.Commit(next, next.Progress.Step);
        effects.AddRange(written);
        return (ClockedFrom(known, now), effects.ToImmutable());
    }

    /// <summary>Steps that are told of all at once say nothing of how long they took.</summary>
    private static RunState ClockedFrom(RunState state, DateTimeOffset now) =>
        state with { Progress = state.Progress with { Rate = RateClock.Start(state.Progress.Step, now) } };

    /// <summary>Reports of one step stand together, whoever made them: in a later generation one of them may have no ranks, and nobody would wait for its reports of the earlier.</summary>
    private static IEnumerable<RunEvent.WorkerSaid> Replay(RunPhase.Reviving phase) =>
        phase.Heard.Where(said => said.Message is WorkerMessage.Progress).OrderBy(said => ((WorkerMessage.Progress)said.Message).Step)
            .Concat(phase.Heard.Where(said => said.Message is not WorkerMessage.Progress));

    private static RunTurn GoOn(RunState state, RunPhase.Reviving phase, RunWaits waits)
    {
        var why = $"A coordinator took the run over; all {phase.Crew.Members.Count} members came back in {phase.Crew.Generation} and had trained on.";
        var running = new RunPhase.Running(phase.Crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished>.Empty) { Entering = [] };
        return (state with { Phase = running, Reason = why }, [Adopted(state, why)]);
    }

    /// <summary>Whoever is back says what it holds; the rest is as after any loss.</summary>
    private static RunTurn Regroup(RunState state, RunPhase.Reviving phase, ImmutableArray<Candidate> missing, RunWaits waits, DateTimeOffset now)
    {
        var why = phase.IsSameOwner ? $"The streams of all members had ended; {phase.Back.Count} of {phase.Crew.Members.Count} came back with the run's state."
            : missing.IsEmpty ? "A coordinator took the run over while its members changed."
            : $"A coordinator took the run over, and {string.Join(", ", missing.Select(member => member.Describe()))} did not come back.";
        var crew = phase.Crew with { Members = phase.Crew.Members.RemoveRange(missing.Select(member => member.Worker)) };
        RunEffect[] records = phase.IsSameOwner ? [] : [Adopted(state, why), .. missing.Select(member => MemberNews.Lost(state, member, "it did not come back after the coordinator was lost"))];
        return RegroupingMachine.Begin(
            state with { Lost = state.Lost.SetItems(missing.Select(member => KeyValuePair.Create(member.Worker, member))) }, crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished>.Empty, new RegroupCause(why, now), waits, records);
    }

    private static RunEffect.Record Adopted(RunState state, string why) => new(new RunRecord.RunAdopted(state.Generation, state.Progress.HighestStep, why));
}
