using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>Changes the members of a run while it trains: one change at a time, and none once the members were asked to end.</summary>
internal static class ChangeMachine
{
    /// <summary>Begins what is due: the end of the run, feeds for joiners, or a change that takes joiners in and leaves leavers out.</summary>
    /// <param name="state">A run that trains.</param>
    /// <param name="isStep">A step was committed since it was last considered: only then the members' speeds are looked at.</param>
    /// <param name="waits">How long a change may take.</param>
    public static RunTurn Consider(RunState state, bool isStep, RunWaits waits)
    {
        var phase = (RunPhase.Running)state.Phase;
        if (!phase.Finished.IsEmpty || phase.IsEnding || phase.Change is not null)
        {
            return (state, []);
        }

        return Ending.IsWanted(state) ? Ending.Ask(state, phase) : JoinerMachine.Feed(state).Then(next => Plan(next, phase, isStep, waits));
    }

    private static RunTurn Plan(RunState state, RunPhase.Running phase, bool isStep, RunWaits waits)
    {
        var ready = state.Joiners.Values.Where(joiner => JoinerMachine.IsReady(state, joiner)).ToImmutableArray();
        var leavers = LeaversOf(state, phase, ready.Length);
        if (phase.Entering.Any(phase.Crew.Members.ContainsKey))
        {
            return (state, []);
        }

        if (leavers.IsEmpty && ready.IsEmpty)
        {
            if (!isStep)
            {
                return (state, []);
            }

            var balance = BalanceRule.Decide(phase.Crew, state.Paces, state.Moves, state.Progress.RoseAt);
            return balance.IsChange ? Switch(state with { Moves = state.Moves + 1 }, phase, phase.Crew.Members, [], RankPlan.Of(balance.Counts), balance.Reason, waits) : (state, []);
        }

        var candidates = phase.Crew.Members.RemoveRange(leavers).AddRange(ready.Select(joiner => KeyValuePair.Create(joiner.Candidate.Worker, joiner.Candidate)));
        var min = state.Order.Job.Workers.Min;
        if (candidates.Count < min)
        {
            // Only leaving makes them too few. They still write a checkpoint, so nothing is lost.
            return leavers.IsEmpty ? (state, []) : Suspend(state, phase, leavers, candidates.Count, min);
        }

        return Switch(state, phase, candidates, ready, RankPlan.Even(state.Order.Job.Training.LogicalRanks, candidates.Count), Explain(leavers, ready), waits);
    }

    /// <summary>Who is to leave now. Those that leave only for other runs stay when the run would be below its least without them.</summary>
    private static ImmutableArray<WorkerId> LeaversOf(RunState state, RunPhase.Running phase, int ready)
    {
        var leavers = state.Leavers.Where(phase.Crew.Members.ContainsKey).ToImmutableArray();
        var missing = state.Order.Job.Workers.Min - (phase.Crew.Members.Count + ready - leavers.Length);
        return missing <= 0 || state.Shed.IsEmpty ? leavers : leavers.RemoveRange(leavers.Where(state.Shed.Contains).Take(missing));
    }

    private static RunTurn Suspend(RunState state, RunPhase.Running phase, ImmutableArray<WorkerId> leavers, int left, int min)
    {
        var reason = $"{Names(leavers, "leaves", "leave")}; {left} of at least {min} workers {(left == 1 ? "is" : "are")} left. The run waits for others.";
        return Ending.Ask(state with { SuspendReason = reason, Reason = reason }, phase);
    }

    private static RunTurn Switch(
        RunState state, RunPhase.Running phase, ImmutableSortedDictionary<WorkerId, Candidate> candidates, ImmutableArray<Joiner> ready,
        ImmutableArray<RankRange> ranges, string reason, RunWaits waits)
    {
        ImmutableArray<Member> members =
        [
            .. candidates.Values.Select((candidate, i) => new Member(candidate.Worker, candidate.Hello.CollectiveAddress, ranges[i].First, ranges[i].Count)),
        ];
        var next = state.LastGeneration.Next;
        var change = new PlannedChange(next, members, candidates, reason) { Leaving = [.. phase.Crew.Members.Keys.Where(worker => !candidates.ContainsKey(worker))] };
        var order = new CoordinatorMessage.Switch(next, members, phase.Crew.LastStep, phase.Crew.TotalSteps, reason);
        var entering = ready.Select(joiner => KeyValuePair.Create(joiner.Candidate.Worker, joiner with { Stage = JoinStage.Entering }));
        return (state with { Phase = phase with { Change = change }, LastGeneration = next, Joiners = state.Joiners.SetItems(entering) },
        [
            .. phase.Crew.Members.Keys.Union(candidates.Keys).Order().Select(worker => new RunEffect.Tell(worker, order)),
            new RunEffect.StartTimer(RunTimer.Change, next, waits.Change),
        ]);
    }

    /// <summary>A member is in the generation that comes.</summary>
    public static RunTurn Enter(
        RunState state, RunPhase.Running phase, PlannedChange change, WorkerId worker, long step, RunWaits waits, DateTimeOffset now) =>
        Settle(state, phase, change.Candidates.ContainsKey(worker) ? change with { Entered = change.Entered.SetItem(worker, step) } : change, waits, now);

    /// <summary>The change is over when all of its members have entered and those who leave have left.</summary>
    /// <remarks>
    /// Members that have entered take down what they had for the former generation, shared memory among it. A leaver that was still reading there finds
    /// its link broken; nobody needs what it would have done, so for it that is the end as well.
    /// </remarks>
    public static RunTurn Settle(RunState state, RunPhase.Running phase, PlannedChange change, RunWaits waits, DateTimeOffset now)
    {
        if (change.IsOver)
        {
            change = change with { Leaving = [.. change.Leaving.Where(leaver => !phase.BrokenLinks.Any(link => link.Ends.Contains(leaver)))] };
        }

        return change.IsOver && change.Leaving.IsEmpty ? Conclude(state, phase, change, waits, now) : (state with { Phase = phase with { Change = change } }, []);
    }

    private static RunTurn Conclude(RunState state, RunPhase.Running phase, PlannedChange change, RunWaits waits, DateTimeOffset now)
    {
        var leavers = phase.Crew.Members.Values.Where(member => !change.Candidates.ContainsKey(member.Worker)).ToImmutableArray();
        var start = change.Entered.Values.Max();
        var newcomers = change.Candidates.Keys.Where(worker => !phase.Crew.Members.ContainsKey(worker)).Select(worker => KeyValuePair.Create(worker, start));
        var crew = phase.Crew with
        {
            Generation = change.Generation, Members = change.Candidates, StartStep = start, JoinedAt = phase.Crew.JoinedAt.SetItems(newcomers),
            Ranks = change.Members.ToImmutableSortedDictionary(member => member.Worker, member => member),
        };
        var (progress, complete) = ProgressRule.Settle(state.Progress.KeepOnly(crew), crew, now);
        var (counted, steps) = MemberNews.Committed(state, progress, complete);
        var why = $"{change.Reason} {(crew.Members.Count == 1 ? "1 worker goes" : $"{crew.Members.Count} workers go")} on in {change.Generation} with step {start + 1}.";
        counted = counted with
        {
            Joiners = counted.Joiners.RemoveRange(crew.Members.Keys), Leavers = counted.Leavers.Except(leavers.Select(leaver => leaver.Worker)), Reason = why,
        };
        var broken = phase.BrokenLinks.Where(link => link.Ends.All(crew.Members.ContainsKey)).ToImmutableSortedSet();
        var running = new RunPhase.Running(crew, phase.Finished) { Entering = [], BrokenLinks = broken };
        var (formed, records) = Activation.Form(counted, running, why, null, 0, now);
        var release = new CoordinatorMessage.Release($"It has left run {state.Id}; the others go on in {change.Generation}.");
        RunEffect[] judge = broken.IsEmpty ? [] : [new RunEffect.StartTimer(RunTimer.Link, crew.Generation, waits.Link)];
        RunTurn turn = (formed,
        [
            .. steps, .. records, .. judge, .. leavers.Select(leaver => MemberNews.Left(formed, leaver, "it left behind a step, and nothing was lost")),
            .. leavers.Select(leaver => new RunEffect.Tell(leaver.Worker, release)),
        ]);
        turn = turn.Then(CheckpointWatch.MakeGood);
        return phase.Finished.IsEmpty ? turn : turn.Then(next => Completion.Settle(next, (RunPhase.Running)next.Phase, [], waits));
    }

    /// <summary>A change that does not come about is called off: those who were to come in are given back, and the members make their links anew.</summary>
    public static RunTurn TimeOut(RunState state, RunPhase.Running phase, PlannedChange change, RunWaits waits, DateTimeOffset now)
    {
        if (change.IsOver)
        {
            // Only a leaver is late with its word; the others have gone on.
            return Settle(state, phase, change with { Leaving = [] }, waits, now);
        }

        var missing = change.Candidates.Keys.Where(worker => !change.Entered.ContainsKey(worker)).ToImmutableArray();
        var how = $"{change.Generation} was not formed within {waits.Change.TotalSeconds:0} s; {string.Join(", ", missing)} did not enter";
        var outsiders = missing.Where(worker => !phase.Crew.Members.ContainsKey(worker)).ToImmutableArray();
        return outsiders.IsEmpty
            ? RegroupingMachine.Begin(state, RunningMachine.Everyone(phase), phase.Finished, new RegroupCause($"{how}.", now), waits)
            : CallOff(state, phase, outsiders[0], how, waits, now);
    }

    /// <summary>A joiner cannot come in although the members may be about to change: they regroup without it.</summary>
    public static RunTurn CallOff(RunState state, RunPhase.Running phase, WorkerId joiner, string how, RunWaits waits, DateTimeOffset now)
    {
        if (phase.Change?.Entered.ContainsKey(joiner) != false)
        {
            return (state, [RunMachine.Note($"{joiner} is in already: {how}.")]);
        }

        var candidate = phase.Change.Candidates[joiner];
        var release = new RunEffect.Tell(joiner, new CoordinatorMessage.Release($"It cannot join: {how}.", MayReturn: true));
        var cause = new RegroupCause($"{joiner} could not join: {how}.", now);
        return RunningMachine.Lose(
            state with { Refused = state.Refused.SetItem(joiner, how) }, phase, joiner, cause, waits, MemberNews.Left(state, candidate, how), release);
    }

    private static string Explain(ImmutableArray<WorkerId> leavers, ImmutableArray<Joiner> ready)
    {
        var joins = ready.IsEmpty ? "" : Names([.. ready.Select(joiner => joiner.Candidate.Worker)], "joins", "join");
        var leaves = leavers.IsEmpty ? "" : Names(leavers, "leaves", "leave");
        return $"{joins}{(joins.Length > 0 && leaves.Length > 0 ? " and " : "")}{leaves}.";
    }

    private static string Names(ImmutableArray<WorkerId> workers, string one, string many) => $"{string.Join(", ", workers)} {(workers.Length == 1 ? one : many)}";
}
