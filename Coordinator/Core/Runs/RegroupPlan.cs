using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What the members that are left make of what each of them holds: where they go on, who gives what to whom, who computes what.</summary>
/// <remarks>
/// The start is the last step that anybody has decided: its whole reduced gradient exists, so it is kept. In the step behind it each logical rank
/// stays with the member that holds it; ranks that nobody holds are dealt out evenly, in the order of the ranks, so that the survivors share the
/// work of the dead. From the step after that on ranks are contiguous again.
/// </remarks>
/// <param name="StartStep">Steps that are decided.</param>
/// <param name="Members">In order of their index, with the ranks of the first step and of all others.</param>
/// <param name="Donor">Index of the member that gives the reduced gradient of StartStep to those behind; null: nobody is.</param>
/// <param name="Behind">Indices of the members that have one step less.</param>
/// <param name="LostRanks">Logical ranks of the first step whose owner is gone.</param>
/// <param name="TooFarBehind">Workers that were fenced and cannot be brought up: joiners that had not come in yet.</param>
public sealed record RegroupPlan(
    long StartStep, ImmutableArray<Member> Members, int? Donor, ImmutableArray<int> Behind, int LostRanks, ImmutableArray<WorkerId> TooFarBehind)
{
    /// <param name="logicalRanks">V.</param>
    /// <param name="crew">Everyone who was fenced, with the ranks of the generation that is given up.</param>
    /// <param name="answers">Of all of them.</param>
    public static RegroupPlan Create(int logicalRanks, Crew crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Fenced> answers)
    {
        var start = answers.Values.Max(answer => answer.Decided);
        var canGive = answers.Values.Any(answer => answer.Decided == start && answer.HasReduced);
        ImmutableArray<WorkerId> able = [.. answers.Keys.Where(worker => start - answers[worker].Decided <= (canGive ? 1 : 0))];
        var deal = RankDeal.Create(logicalRanks, [.. able.Select(worker => answers[worker].Decided == start ? answers[worker].Held : [])]);
        var ranges = RankPlan.Even(logicalRanks, able.Length);
        ImmutableArray<Member> members =
        [
            .. able.Select((worker, i) => new Member(worker, crew.Members[worker].Hello.CollectiveAddress, ranges[i].First, ranges[i].Count)
            {
                FirstStepRanks = deal.Owned[i],
            }),
        ];
        ImmutableArray<int> behind = [.. Enumerable.Range(0, able.Length).Where(i => answers[able[i]].Decided < start)];
        return new RegroupPlan(
            start, members, behind.IsEmpty ? null : FirstThatCanGive(able, start, answers), behind, CountLost(crew, start, deal.Unheld),
            [.. answers.Keys.Except(able)]);
    }

    private static int FirstThatCanGive(ImmutableArray<WorkerId> able, long start, ImmutableSortedDictionary<WorkerId, WorkerMessage.Fenced> answers) =>
        Enumerable.Range(0, able.Length).First(i => answers[able[i]].Decided == start && answers[able[i]].HasReduced);

    /// <summary>Ranks of a member that is only behind were not computed by anybody: they are no loss.</summary>
    private static int CountLost(Crew crew, long start, ImmutableArray<int> unheld) => start >= crew.LastStep ? 0
        : crew.Ranks.Keys.Where(worker => !crew.Members.ContainsKey(worker)).SelectMany(worker => crew.RanksOf(worker, start + 1)).Intersect(unheld).Count();
}
