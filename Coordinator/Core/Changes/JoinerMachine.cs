using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>Brings workers into a run that trains: they load, take a member's state, and follow until they are at most one step behind.</summary>
internal static class JoinerMachine
{
    /// <summary>Reports of two workers come this far apart, so a joiner of a run with very short steps is never seen closer; the members hardly feel the wait.</summary>
    private static readonly TimeSpan LagTime = TimeSpan.FromMilliseconds(20);

    public static RunTurn Take(RunState state, JoinDecision decision)
    {
        RunTurn turn = (state, []);
        foreach (var refusal in decision.Refusals)
        {
            turn = turn.Then(next => (next with { Refused = next.Refused.SetItem(refusal.Worker, refusal.Reason) },
                [new RunEffect.Record(new RunRecord.WorkerRefused(next.Generation, next.Progress.Step, refusal.Worker, refusal.Reason))]));
        }

        return decision.Joiners.Aggregate(turn, (soFar, candidate) => soFar.Then(next => Prepare(next, candidate)));
    }

    private static RunTurn Prepare(RunState state, Candidate candidate)
    {
        var prepare = new CoordinatorMessage.Prepare(
            state.Id, state.Generation, JobSpecJson.Write(state.Order.Job), state.Agreement!.Isa, state.Order.RunDir, state.ResumeFrom);
        return (state with
        {
            Joiners = state.Joiners.SetItem(candidate.Worker, new Joiner(candidate, JoinStage.Loading, state.Generation)),
            // It may have left this run before.
            Leavers = state.Leavers.Remove(candidate.Worker),
        },
        [
            new RunEffect.Record(new RunRecord.WorkerJoining(
                state.Generation, state.Progress.HighestStep, candidate.Worker, candidate.Hello.Pid, candidate.Hello.Host)),
            new RunEffect.Tell(candidate.Worker, prepare),
        ]);
    }

    /// <returns>Null when the event does not concern a joiner.</returns>
    public static RunTurn? Step(RunState state, RunEvent @event) => @event switch
    {
        RunEvent.WorkerSaid said when state.Joiners.TryGetValue(said.Worker, out var joiner) => Hear(state, joiner, said.Message),
        RunEvent.WorkerLost lost when state.Joiners.TryGetValue(lost.Worker, out var joiner) =>
            (state with { Joiners = state.Joiners.Remove(lost.Worker) }, [MemberNews.Lost(state, joiner.Candidate, $"{lost.Reason}; it had not joined yet")]),
        _ => null,
    };

    private static RunTurn? Hear(RunState state, Joiner joiner, WorkerMessage message)
    {
        var worker = joiner.Candidate.Worker;
        switch (message)
        {
            case WorkerMessage.Prepared prepared when joiner.Stage == JoinStage.Loading && prepared.Generation == joiner.Generation:
                return AgreementRule.WhyNot(worker, prepared, state.Agreement!.Answer) is { } reason
                    ? Refuse(state, joiner, reason)
                    : (With(state, joiner with { Stage = JoinStage.Ready }), []);
            case WorkerMessage.Refused refused when refused.Generation == joiner.Generation:
                return Refuse(state, joiner, refused.Reason);
            case WorkerMessage.Failed failed:
                return Refuse(state, joiner, failed.Reason);
            case WorkerMessage.Leaving leaving:
                return (state with { Joiners = state.Joiners.Remove(worker) },
                [
                    MemberNews.Left(state, joiner.Candidate, leaving.Reason),
                    new RunEffect.Tell(worker, new CoordinatorMessage.Release($"It was told to end before it was a member of run {state.Id}.")),
                ]);
            case WorkerMessage.Followed followed when joiner.Stage == JoinStage.Following && followed.FeedId == joiner.Feed:
                return (With(state, joiner with { Step = Math.Max(joiner.Step, followed.Step), Bytes = Math.Max(joiner.Bytes, followed.Bytes) }), []);
            case WorkerMessage.FeedBroken broken:
                return FeedEnded(state, broken.FeedId, broken.Reason);
            default:
                return null;
        }
    }

    /// <summary>A joiner that can be among the members of the next generation.</summary>
    public static bool IsReady(RunState state, Joiner joiner) =>
        joiner.Stage == JoinStage.Following && joiner.Step >= 0 && state.Progress.HighestStep - joiner.Step <= MaxLag(state);

    /// <summary>Steps by which a joiner may be behind what the members have reported: one, or what is taken in a moment.</summary>
    private static long MaxLag(RunState state) =>
        Math.Max(1, (long)((state.Progress.Rate.Present ?? 0) / state.Order.Job.Training.GlobalBatch * LagTime.TotalSeconds));

    /// <summary>Gives every joiner that is loaded a donor, in turn. A donor that is going, or has gone, behind a planned change takes its feed along: the joiner gets another one.</summary>
    public static RunTurn Feed(RunState state)
    {
        var crew = state.Crew!;
        var isAnyoneStaying = crew.Members.Count > state.Leavers.Count(crew.Members.ContainsKey);
        foreach (var joiner in state.Joiners.Values.Where(joiner => joiner is { Stage: JoinStage.Following, Donor: { } donor }
            && (!crew.Members.ContainsKey(donor) || (isAnyoneStaying && state.Leavers.Contains(donor) && !IsReady(state, joiner)))))
        {
            state = With(state, Abandoned(joiner));
        }

        RunTurn turn = (state, []);
        foreach (var joiner in state.Joiners.Values.Where(joiner => joiner.Stage == JoinStage.Ready))
        {
            turn = turn.Then(next => Feed(next, joiner));
        }

        return turn;
    }

    private static RunTurn Feed(RunState state, Joiner joiner)
    {
        var crew = state.Crew!;
        var members = crew.Members.Keys.Where(worker => !state.Leavers.Contains(worker)).DefaultIfEmpty(crew.Members.Keys.First()).ToImmutableArray();

        // The first member writes the checkpoints: it has enough to do.
        var able = joiner.Shunned is { } shunned && members.Length > 1 ? members.Remove(shunned) : members;
        var donors = able.Length == 1 ? able : able.Remove(crew.Members.Keys.First());
        var feed = state.LastFeed + 1;
        var donor = donors[(int)(feed % donors.Length)];
        var next = joiner with { Stage = JoinStage.Following, Feed = feed, Donor = donor, Feeds = joiner.Feeds + 1, Step = -1, Bytes = 0 };
        return (With(state, next) with { LastFeed = feed },
        [
            new RunEffect.Tell(joiner.Candidate.Worker, new CoordinatorMessage.Follow(feed, crew.TotalSteps)),
            new RunEffect.Tell(donor, new CoordinatorMessage.Feed(feed, joiner.Candidate.Worker, joiner.Candidate.Hello.CollectiveAddress)),
        ]);
    }

    /// <summary>Either side says that a feed ended too early: another donor takes over, a few times.</summary>
    /// <param name="state">The run.</param>
    /// <param name="feed">Its number.</param>
    /// <param name="reason">In words that follow a colon.</param>
    /// <param name="isHanging">Its donor sent nothing for long: the next one is another member, when there is one.</param>
    public static RunTurn FeedEnded(RunState state, long feed, string reason, bool isHanging = false)
    {
        if (state.Joiners.Values.FirstOrDefault(joiner => joiner.Feed == feed && joiner.Stage == JoinStage.Following) is not { } joiner)
        {
            return (state, [RunMachine.Note($"Feed {feed} ended; nobody waits for it: {reason}")]);
        }

        return joiner.Feeds >= Joiner.MaxFeeds
            ? Refuse(DeferRule.Defer(state, joiner.Candidate.Worker), joiner, $"{joiner.Feeds} feeds broke, the last because {reason.TrimEnd('.')}. Give it a faster link, or join when the steps are longer.")
            : (With(state, joiner with { Stage = JoinStage.Ready, Donor = null, Shunned = isHanging ? joiner.Donor : null }), [RunMachine.Note($"Feed {feed} of {joiner.Candidate.Worker} broke: {reason}")]);
    }

    /// <summary>A member, or a joiner that was fenced with the members, is gone. Joiners that it fed get another donor; that is not their fault.</summary>
    public static RunState Without(RunState state, WorkerId lost) => state with
    {
        Leavers = state.Leavers.Remove(lost),
        Joiners = state.Joiners.Remove(lost).SetItems(state.Joiners.Values
            .Where(joiner => joiner.Donor == lost && joiner.Stage == JoinStage.Following)
            .Select(joiner => KeyValuePair.Create(joiner.Candidate.Worker, Abandoned(joiner)))),
    };

    private static Joiner Abandoned(Joiner joiner) => joiner with { Stage = JoinStage.Ready, Donor = null, Feeds = joiner.Feeds - 1 };

    private static RunTurn Refuse(RunState state, Joiner joiner, string reason)
    {
        var worker = joiner.Candidate.Worker;
        return (state with { Refused = state.Refused.SetItem(worker, reason), Joiners = state.Joiners.Remove(worker) },
        [
            new RunEffect.Record(new RunRecord.WorkerRefused(state.Generation, state.Progress.HighestStep, worker, reason)),
            new RunEffect.Tell(worker, new CoordinatorMessage.Release($"Not a member of run {state.Id}: {reason}")),
        ]);
    }

    private static RunState With(RunState state, Joiner joiner) => state with { Joiners = state.Joiners.SetItem(joiner.Candidate.Worker, joiner) };
}
