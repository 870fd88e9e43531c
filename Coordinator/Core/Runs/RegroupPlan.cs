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
        var owners = OwnersOf(logicalRanks, able, start, answers);
        ImmutableArray<int> unheld = [.. Enumerable.Range(0, logicalRanks).Where(rank => owners[rank] is null)];
        var ranges = RankPlan.Even(logicalRanks, able.Length);
        var held = DealOut(owners, able);
        ImmutableArray<Member> members =
        [
            .. able.Select((worker, i) => new Member(worker, crew.Members[worker].Hello.CollectiveAddress, ranges[i].First, ranges[i].Count)
            {
                FirstStepRanks = held.GetValueOrDefault(worker, []),
            }),
        ];
        ImmutableArray<int> behind = [.. Enumerable.Range(0, able.Length).Where(i => answers[able[i]].Decided < start)];
        return new RegroupPlan(
            start, members, behind.IsEmpty ? null : FirstThatCanGive(able, start, answers), behind, CountLost(crew, start, unheld),
            [.. answers.Keys.Except(able)]);
    }

    /// <summary>Deals the ranks that nobody holds out evenly, in the order of the ranks.</summary>
    /// <param name="owners">Who holds each logical rank; null: nobody.</param>
    /// <param name="able">Who may get more.</param>
    /// <returns>The ranks of each owner as few ranges, rising.</returns>
    public static Dictionary<WorkerId, ImmutableArray<RankRange>> DealOut(ReadOnlySpan<WorkerId?> owners, ImmutableArray<WorkerId> able)
    {
        var all = owners.ToArray();
        ImmutableArray<int> unheld = [.. Enumerable.Range(0, all.Length).Where(rank => all[rank] is null)];
        var shares = RankPlan.Even(Math.Max(1, unheld.Length), able.Length);
        for (var i = 0; i < able.Length; i++)
        {
            foreach (var rank in unheld.Skip(shares[i].First).Take(shares[i].Count))
            {
                all[rank] = able[i];
            }
        }

        return RangesOf(all);
    }

    private static WorkerId?[] OwnersOf(
        int logicalRanks, ImmutableArray<WorkerId> able, long start, ImmutableSortedDictionary<WorkerId, WorkerMessage.Fenced> answers)
    {
        var owners = new WorkerId?[logicalRanks];
        foreach (var worker in able.Where(worker => answers[worker].Decided == start))
        {
            foreach (var rank in answers[worker].Held.SelectMany(range => Enumerable.Range(range.First, range.Count)).Where(rank => rank >= 0 && rank < logicalRanks))
            {
                owners[rank] ??= worker;
            }
        }

        return owners;
    }

    private static int FirstThatCanGive(ImmutableArray<WorkerId> able, long start, ImmutableSortedDictionary<WorkerId, WorkerMessage.Fenced> answers) =>
        Enumerable.Range(0, able.Length).First(i => answers[able[i]].Decided == start && answers[able[i]].HasReduced);

    /// <summary>Ranks of a member that is only behind were not computed by anybody: they are no loss.</summary>
    private static int CountLost(Crew crew, long start, ImmutableArray<int> unheld) => start >= crew.LastStep ? 0
        : crew.Ranks.Keys.Where(worker => !crew.Members.ContainsKey(worker)).SelectMany(worker => crew.RanksOf(worker, start + 1)).Intersect(unheld).Count();

    private static Dictionary<WorkerId, ImmutableArray<RankRange>> RangesOf(WorkerId?[] owners)
    {
        var ranges = new Dictionary<WorkerId, ImmutableArray<RankRange>>();
        for (var rank = 0; rank < owners.Length; rank++)
        {
            var known = ranges.GetValueOrDefault(owners[rank]!.Value, []);
            ranges[owners[rank]!.Value] = known.Length > 0 && known[^1].End == rank
                ? known.SetItem(known.Length - 1, known[^1] with { Count = known[^1].Count + 1 })
                : known.Add(new RankRange(rank, 1));
        }

        return ranges;
    }
}
