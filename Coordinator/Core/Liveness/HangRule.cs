using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Liveness;

/// <summary>A member as the rule looks at it.</summary>
/// <param name="Worker">Who.</param>
/// <param name="Work">What its heartbeats say of its training thread.</param>
/// <param name="Held">For how long they have said so.</param>
/// <param name="Patience">How long that piece of work may take while others wait for it.</param>
public readonly record struct WorkView(WorkerId Worker, WorkMark Work, TimeSpan Held, TimeSpan Patience);

/// <summary>A member whose training thread hangs.</summary>
/// <param name="Work">At what.</param>
/// <param name="Reason">With numbers, in words that follow a colon.</param>
public readonly record struct Hang(WorkerId Worker, WorkMark Work, string Reason);

/// <summary>Gives up members whose training thread hangs while their process beats: a native call that never returns, a deadlock in the user's code.</summary>
/// <remarks>
/// A member hangs when the step waits for it alone, or for no more members than wait, and it has been at the same piece of work for longer than its patience while all of these waited.
/// A cluster that is slow as a whole has nobody who waits for long, so nobody is given up, and never everybody. The patience is 20 usual steps of the run, as its members
/// measured them, and at least workers.hangSeconds. A worker's first step compiles and warms up, and a checkpoint, an evaluation or a copy of the state has nothing to do with
/// how long steps take: these have limits of their own.
/// </remarks>
public static class HangRule
{
    /// <summary>Usual steps that one piece of work may take: a step is several passes, so no disturbance that passes by itself makes one as long as 20 steps.</summary>
    public const int Steps = 20;

    /// <summary>Workers that hang in the same pass before the run fails: the first may be chance or a broken machine, the third says that the pass itself hangs.</summary>
    public const int MaxHangs = 3;

    /// <param name="members">All members of the generation, and of the one that comes.</param>
    /// <returns>Those who hang; empty: nobody, or it cannot be told.</returns>
    public static ImmutableArray<Hang> Decide(IReadOnlyCollection<WorkView> members)
    {
        var waiting = members.Where(member => member.Work.Kind == WorkKind.Waiting).ToList();
        var busy = members.Where(member => member.Work.Kind != WorkKind.Waiting).ToList();
        if (waiting.Count == 0 || busy.Count == 0 || busy.Count > waiting.Count)
        {
            return [];
        }

        // Whoever is still at work, or says nothing, may be what the others wait for.
        var waited = waiting.Min(member => member.Held);
        return busy.Exists(member => member.Work.Kind == WorkKind.Unspecified || member.Held < member.Patience || waited < member.Patience) ? []
            : [.. busy.Select(member => new Hang(member.Worker, member.Work, Explain(member, waiting.Count, waited)))];
    }

    /// <summary>How long a piece of work of a member may take.</summary>
    public static TimeSpan Patience(RunState state, Crew crew, WorkerId worker, WorkMark work, RunWaits waits)
    {
        var least = TimeSpan.FromSeconds(state.Order.Job.Workers.HangSeconds);
        if (work.Kind is not (WorkKind.Computing or WorkKind.Applying))
        {
            return Longer(least, waits.LongWork);
        }

        // A joiner only applies what the others have decided, and its loss costs them nothing.
        var isJoiner = work.Kind is WorkKind.Applying && state.Joiners.ContainsKey(worker) && state.Progress.UsualSeconds is not null;

        // It has taken a step in this run, and the run's steps are known.
        if ((!isJoiner && !state.Progress.ReportedSteps.ContainsKey(worker)) || state.Progress.UsualSeconds is not { } usual)
        {
            return Longer(least, waits.FirstStep);
        }

        // A member that is far slower than the others were when it came.
        var own = state.Paces.TryGetValue(worker, out var pace) && crew.Ranks.TryGetValue(worker, out var share) ? pace.SecondsPerRank * share.RankCount : 0;
        return Longer(least, TimeSpan.FromSeconds(Steps * Math.Max(usual, own)));
    }

    /// <summary>Gives up every member that hangs. A pass in which one worker after another hangs is the job's fault, and fails the run.</summary>
    internal static RunTurn GiveUp(RunState state, ImmutableSortedDictionary<WorkerId, Pulse> pulses, RunWaits waits, DateTimeOffset now)
    {
        // It looks at every member, those among them who are about to come in: the others may be in the next generation, and wait for one of these. Only when no step has come for as long as the
        // least patience.
        if (state.Phase is not RunPhase.Running running || RunningMachine.Everyone(running) is not { } crew || state.Order.Job.Workers.HangSeconds is not (> 0 and var least)
            || now - state.Progress.RoseAt < TimeSpan.FromSeconds(least) || !crew.Members.Keys.All(pulses.ContainsKey))
        {
            return (state, []);
        }

        var views = crew.Members.Keys.Select(worker => (Worker: worker, Pulse: pulses[worker]))
            .Select(member => new WorkView(member.Worker, member.Pulse.Work, member.Pulse.Held, Patience(state, crew, member.Worker, member.Pulse.Work, waits))).ToList();
        RunTurn turn = (state, []);
        foreach (var hang in Decide(views))
        {
            turn = turn.Then(next => GiveUp(next, hang, waits, now));
        }

        return turn;
    }

    private static RunTurn GiveUp(RunState state, Hang hang, RunWaits waits, DateTimeOffset now)
    {
        state = state with { Hangs = state.Hangs.Add(hang) };
        var before = state.Hangs.Where(each => each.Work == hang.Work).ToImmutableArray();
        if (before.Length < MaxHangs || state.Phase is not RunPhase.Running running)
        {
            return Eviction.Evict(state, [hang.Worker], hang.Reason, waits, now, isHung: true);
        }

        var sentence = $"{string.Join(", ", before.Select(each => each.Worker))} hung at the same piece of work; of the last, {hang.Reason}. "
            + "Look for a deadlock or an endless loop in the model or the data set, or raise workers.hangSeconds if this may take so long.";
        var left = RunningMachine.Everyone(running).Without(hang.Worker);
        return AbortingMachine.Begin(
            state, left, running.Finished, new FailureCause(sentence, FailureKind.Job), left.Members.Keys, waits,
            new RunEffect.Evict(hang.Worker, hang.Reason) { IsHung = true }, MemberNews.Lost(state, RunningMachine.Find(running, hang.Worker)!, hang.Reason));
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static string Explain(WorkView member, int waiting, TimeSpan waited) => string.Create(
        CultureInfo.InvariantCulture,
        $"its training thread hangs: it {member.Work.Describe()} for {member.Held.TotalSeconds:0.0} s, and {waiting} {(waiting == 1 ? "member has" : "members have")} waited for {waited.TotalSeconds:0.0} s (patience {member.Patience.TotalSeconds:0.0} s)");
}
