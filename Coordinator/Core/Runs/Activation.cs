using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Members that agree become a generation: ranks are dealt out, the steps are counted, and training starts.</summary>
internal static class Activation
{
    /// <param name="state">The run.</param>
    /// <param name="phase">Every member has answered, and all answers agree.</param>
    /// <param name="now">The start of the clock.</param>
    public static RunTurn Start(RunState state, RunPhase.Preparing phase, DateTimeOffset now)
    {
        var answer = phase.Answers.Values.First();
        var steps = StepPlan.Create(state.Order, answer.AppliedSteps, answer.SampleCount);
        if (steps.Problem is { } problem)
        {
            return RunEnding.Fail(state, problem, FailureKind.Job, phase.Members.Keys);
        }

        var ranges = RankPlan.Even(state.Order.Job.Training.LogicalRanks, phase.Members.Count);
        ImmutableArray<Member> members =
        [
            .. phase.Members.Values.Select(
                (candidate, i) => new Member(candidate.Worker, candidate.Hello.CollectiveAddress, ranges[i].First, ranges[i].Count)),
        ];
        var ranks = members.ToImmutableSortedDictionary(member => member.Worker, member => member);
        var batches = StepPlan.Batches(state.Order, steps.TotalSteps, answer.SampleCount);
        var crew = new Crew(state.Generation, phase.Members, ranks, answer.AppliedSteps, steps.LastStep, steps.TotalSteps, batches);
        var lost = state.FormedGenerations == 0 ? 0 : Math.Max(0, state.Progress.Step - answer.AppliedSteps);
        var train = $"{(members.Length == 1 ? "1 worker trains" : $"{members.Length} workers train")} steps {answer.AppliedSteps + 1} to {steps.LastStep}.";
        var again = lost == 0 ? null : Again(state, answer.AppliedSteps, lost);
        var why = again is null ? train : $"{train} {again}";
        state = state with
        {
            LastStep = steps.LastStep, Progress = state.Progress.Start(answer.AppliedSteps, now), Reason = why, SuspendReason = null,
            Agreement = new Agreement(phase.Isa, answer, phase.Answers.Values.Max(each => each.BufferBytes)),
        };
        var activate = new CoordinatorMessage.Activate(state.Generation, members, answer.AppliedSteps, steps.LastStep, steps.TotalSteps, null, []);
        var running = new RunPhase.Running(crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished>.Empty);

        // Only before the first step of the run: a later generation goes on from the state of this one.
        var warning = state.FormedGenerations == 0 ? ResumeRule.Warn(state.Order, answer.Fingerprint) : null;
        RunEffect[] warned = warning is null ? [] : [new RunEffect.Record(new RunRecord.RunWarned(state.Generation, answer.AppliedSteps, warning))];
        var (begun, stored) = LedgerNews.Begin(state, answer.AppliedSteps);
        var (next, records) = Form(begun, running, train, null, 0, now, isLoaded: true);
        RunEffect[] setBack = again is null ? [] : [new RunEffect.Record(new RunRecord.StepsLost(running.Crew.Generation, answer.AppliedSteps, lost, again))];
        return (next, [.. stored, .. warned, .. records, .. setBack, .. members.Select(member => new RunEffect.Tell(member.Worker, activate))]);
    }

    /// <summary>Nobody was left who held what had been trained behind the checkpoint.</summary>
    private static string Again(RunState state, long step, long lost) =>
        $"The run begins again behind step {step}{(state.ResumeFrom is { } checkpoint ? $" ({checkpoint})" : ", for there is no checkpoint")}: "
        + $"{lost} committed {(lost == 1 ? "step was" : "steps were")} lost with the last worker that held {(lost == 1 ? "it" : "them")}.";

    /// <summary>A generation is in force: it is counted and recorded with all its members.</summary>
    /// <param name="state">The run.</param>
    /// <param name="running">Its crew is the new generation.</param>
    /// <param name="why">In a sentence.</param>
    /// <param name="lossSeen">When the loss was seen that it makes good; null: nobody was lost.</param>
    /// <param name="lostRanks">Logical ranks of its first step that are computed again.</param>
    /// <param name="now">Tells how long it took.</param>
    /// <param name="isLoaded">Its members start from a checkpoint or from the initial weights: steps behind that are taken again.</param>
    public static RunTurn Form(
        RunState state, RunPhase.Running running, string why, DateTimeOffset? lossSeen, int lostRanks, DateTimeOffset now, bool isLoaded = false)
    {
        var crew = running.Crew;
        var (generation, step) = (crew.Generation, crew.StartStep);
        var next = state with
        {
            Phase = running, Generation = generation, FormedGenerations = state.FormedGenerations + 1, GenerationSize = crew.Members.Count,
            LostLogicalRankSteps = state.LostLogicalRankSteps + lostRanks, PausedSince = null,
            Paces = state.Paces.Clear(), Moves = state.Crew is { } former && former.Members.Keys.SequenceEqual(crew.Members.Keys) ? state.Moves : 0, Lost = state.Lost.Clear(),
        };
        var formed = Describe(state, crew, why, (now - lossSeen)?.TotalSeconds, lostRanks) with { IsLoaded = isLoaded };
        return (next,
        [
            .. state.PausedSince is { } since ? [new RunEffect.Record(new RunRecord.RunResumed(generation, step, (now - since).TotalSeconds))] : (RunEffect[])[],
            new RunEffect.Record(new RunRecord.GenerationFormed(generation, step, formed)),
            .. crew.Members.Values.Select(candidate => new RunEffect.Record(new RunRecord.WorkerReady(
                generation, step, candidate.Worker, candidate.Hello.Pid, candidate.Hello.Host, [.. crew.RanksOf(candidate.Worker, step + 2)]))),
        ]);
    }

    private static Formed Describe(RunState state, Crew crew, string why, double? seconds, int lostRanks)
    {
        var (isa, answer, bufferBytes) = state.Agreement!;
        return new Formed(
            [.. crew.Members.Keys], state.Order.Job.Training.LogicalRanks, crew.StartStep, crew.LastStep, crew.TotalSteps, isa, answer.ParameterCount,
            bufferBytes, answer.SampleCount, answer.DataSha256, answer.TargetsPerSample, why, seconds, lostRanks);
    }
}
