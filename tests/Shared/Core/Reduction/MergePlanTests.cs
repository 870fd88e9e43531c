using System.Collections.Immutable;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Core.Tests.Reduction;

public sealed class MergePlanTests
{
    /// <summary>Sums strings, so that every other order or grouping shows.</summary>
    [Fact]
    public void Create_AnyNumberOfMembers_SumsAlongTheTree()
    {
        for (var v = 1; v <= 17; v++)
        {
            var tree = new ReductionTree(v);
            var expected = SumOf(tree.Root);
            for (var members = 1; members <= v + 2; members++)
            {
                var inputs = RankPlan.Even(v, members).SelectMany(range => tree.MaximalNodes(range.First, range.Count)).ToImmutableArray();
                var plan = MergePlan.Create(tree, inputs);
                var partials = inputs.Select(SumOf).ToArray();
                foreach (var (left, right) in plan.Additions)
                {
                    partials[left] = $"({partials[left]}+{partials[right]})";
                }

                Assert.Equal(expected, partials[0]);
                Assert.Equal(inputs.Length - 1, plan.Additions.Length);
            }
        }
    }

    [Fact]
    public void Create_RankCountedTwice_Throws() => Assert.Throws<ArgumentException>(
        () => MergePlan.Create(new ReductionTree(4), [new TreeNode(0, 2), new TreeNode(1, 1), new TreeNode(2, 2)]));

    [Fact]
    public void Create_RankMissing_Throws() =>
        Assert.Throws<ArgumentException>(() => MergePlan.Create(new ReductionTree(4), [new TreeNode(0, 2), new TreeNode(2, 1)]));

    private static string SumOf(TreeNode node) => node.IsLeaf ? $"{node.First}" : $"({SumOf(node.Left)}+{SumOf(node.Right)})";
}
