using Orchestrator.Core.Reduction;

namespace Orchestrator.Core.Tests.Reduction;

public sealed class ReductionTreeTests
{
    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(7, 4)]
    [InlineData(8, 4)]
    [InlineData(9, 8)]
    public void Left_OfRoot_HoldsLargestPowerOfTwoBelowLength(int logicalRanks, int expected) =>
        Assert.Equal(expected, new ReductionTree(logicalRanks).Root.Left.Length);

    [Fact]
    public void MaximalNodes_EveryRangeOfEveryTree_CoverTheRangeWithTreeNodes()
    {
        for (var v = 1; v <= 33; v++)
        {
            var tree = new ReductionTree(v);
            var bound = 2 * Math.Max(1, (int)Math.Ceiling(Math.Log2(v)));
            for (var first = 0; first < v; first++)
            {
                for (var count = 1; first + count <= v; count++)
                {
                    var nodes = tree.MaximalNodes(first, count);
                    Assert.Equal(first, nodes[0].First);
                    Assert.Equal(first + count, nodes[^1].End);
                    Assert.All(nodes, node => Assert.True(tree.IsNode(node)));
                    Assert.All(nodes.Zip(nodes.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.First));
                    Assert.All(nodes.Zip(nodes.Skip(1)), pair => Assert.Null(tree.ParentOf(pair.First, pair.Second)));
                    Assert.True(nodes.Length <= bound, $"V={v} [{first}, {first + count}): {nodes.Length} nodes, at most {bound}");
                }
            }
        }
    }

    [Fact]
    public void ParentOf_ChildrenOfEveryNode_IsThatNode()
    {
        for (var v = 1; v <= 33; v++)
        {
            var tree = new ReductionTree(v);
            var open = new Stack<TreeNode>([tree.Root]);
            while (open.TryPop(out var node))
            {
                if (!node.IsLeaf)
                {
                    Assert.Equal(node, tree.ParentOf(node.Left, node.Right));
                    open.Push(node.Left);
                    open.Push(node.Right);
                }
            }
        }
    }

    [Fact]
    public void ParentOf_NeighboursThatAreNoSiblings_IsNull() =>
        Assert.Null(new ReductionTree(8).ParentOf(new TreeNode(1, 1), new TreeNode(2, 1)));

    [Fact]
    public void MaximalNodes_RangeBeyondTree_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReductionTree(8).MaximalNodes(6, 3));
}
