using System.Collections.Immutable;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>Which partials each member holds in a step, and how they are added. A generation has one for its first step and one for all others.</summary>
/// <param name="Nodes">For each member: the maximal nodes that its logical ranks cover, from left to right.</param>
/// <param name="Merge">The additions that a slice owner carries out on each piece that comes to it directly.</param>
public sealed record Ownership(ImmutableArray<ImmutableArray<TreeNode>> Nodes, MergePlan Merge)
{
    /// <param name="tree">Over the logical ranks.</param>
    /// <param name="ranks">Those of each member; together each once.</param>
    /// <exception cref="ArgumentException">A rank has no owner, or two.</exception>
    public static Ownership Create(ReductionTree tree, IEnumerable<ImmutableArray<RankRange>> ranks)
    {
        ImmutableArray<ImmutableArray<TreeNode>> nodes =
            [.. ranks.Select(ranges => tree.MaximalNodes(ranges.SelectMany(range => Enumerable.Range(range.First, range.Count))))];
        return new Ownership(nodes, MergePlan.Create(tree, [.. nodes.SelectMany(each => each).OrderBy(node => node.First)]));
    }

    /// <summary>The logical ranks of a member in the steps behind the generation's first.</summary>
    public static ImmutableArray<RankRange> SteadyRanks(Member member) =>
        member.RankCount == 0 ? [] : [new RankRange(member.FirstRank, member.RankCount)];

    /// <summary>The logical ranks of a member in the generation's first step.</summary>
    public static ImmutableArray<RankRange> FirstRanks(Member member) =>
        member.FirstStepRanks.IsDefault ? SteadyRanks(member) : member.FirstStepRanks;
}
