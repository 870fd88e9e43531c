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
        var crew = new Crew(phase.Members, ranks, answer.AppliedSteps, steps.LastStep, steps.TotalSteps);
        var next = state with
        {
            Phase = new RunPhase.Running(crew, null, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished>.Empty),
            LastStep = steps.LastStep,
            GenerationSize = members.Length,
            Progress = state.Progress.Start(answer.AppliedSteps, now),
            Reason = $"{(members.Length == 1 ? "1 worker trains" : $"{members.Length} workers train")} "
                + $"steps {answer.AppliedSteps + 1} to {steps.LastStep}.",
        };
        var activate = new CoordinatorMessage.Activate(state.Generation, members, answer.AppliedSteps, steps.LastStep, steps.TotalSteps, null, []);

        // Only before the first step of the run: a later generation goes on from the state of this one.
        var warning = state.GenerationSize == 0 ? ResumeRule.Warn(state.Order, answer.Fingerprint) : null;
        var (begun, stored) = LedgerNews.Begin(next, answer.AppliedSteps);
        return (begun,
        [
            .. stored,
            .. warning is null
                ? ImmutableArray<RunEffect>.Empty
                : [new RunEffect.Record(new RunRecord.RunWarned(state.Generation, answer.AppliedSteps, warning))],
            new RunEffect.Record(new RunRecord.GenerationFormed(state.Generation, answer.AppliedSteps, Describe(state, phase, answer, steps))),
            .. members.Select(member => new RunEffect.Record(
                Ready(state.Generation, answer.AppliedSteps, phase.Members[member.Worker].Hello, member))),
            .. members.Select(member => new RunEffect.Tell(member.Worker, activate)),
        ]);
    }

    private static Formed Describe(RunState state, RunPhase.Preparing phase, WorkerMessage.Prepared answer, StepPlan steps) => new(
        [.. phase.Members.Keys], state.Order.Job.Training.LogicalRanks, answer.AppliedSteps, steps.LastStep, steps.TotalSteps, phase.Isa,
        answer.ParameterCount, phase.Answers.Values.Max(each => each.BufferBytes), answer.SampleCount, answer.DataSha256,
        answer.TargetsPerSample);

    private static RunRecord.WorkerReady Ready(Generation generation, long step, WorkerMessage.Hello hello, Member member) =>
        new(generation, step, member.Worker, hello.Pid, hello.Host, [.. Enumerable.Range(member.FirstRank, member.RankCount)]);
}
