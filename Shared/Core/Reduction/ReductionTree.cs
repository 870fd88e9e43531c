using System.Collections.Immutable;

namespace Orchestrator.Core.Reduction;

/// <summary>The fixed binary tree over logical ranks 0..V-1 along which gradients are summed, whoever computed them.</summary>
/// <param name="LogicalRanks">V; at least 1.</param>
public sealed record ReductionTree(int LogicalRanks)
{
    public TreeNode Root => new(0, LogicalRanks);

    /// <summary>The maximal nodes that a run of logical ranks covers, from left to right: what a worker that owns them holds. At most 2 log2 V.</summary>
    /// <param name="first">The first logical rank.</param>
    /// <param name="count">How many; 0 gives none.</param>
    public ImmutableArray<TreeNode> MaximalNodes(int first, int count)
    {
        if (first < 0 || count < 0 || first + count > LogicalRanks)
        {
            throw new ArgumentOutOfRangeException(nameof(first), $"Ranks [{first}, {first + count}) do not lie within [0, {LogicalRanks}).");
        }

        var nodes = ImmutableArray.CreateBuilder<TreeNode>();
        Collect(Root, first, first + count, nodes);
        return nodes.ToImmutable();
    }

    /// <summary>The maximal nodes that a set of logical ranks covers, from left to right. More than for one run of ranks when it has gaps.</summary>
    /// <param name="ranks">In any order.</param>
    public ImmutableArray<TreeNode> MaximalNodes(IEnumerable<int> ranks)
    {
        var nodes = new List<TreeNode>();
        foreach (var rank in ranks.Order())
        {
            nodes.AddRange(MaximalNodes(rank, 1));
            while (nodes.Count > 1 && ParentOf(nodes[^2], nodes[^1]) is { } parent)
            {
                nodes.RemoveAt(nodes.Count - 1);
                nodes[^1] = parent;
            }
        }

        return [.. nodes];
    }

    /// <summary>The node whose left child is <paramref name="left"/> and whose right child is <paramref name="right"/>; null when they are not siblings.</summary>
    public TreeNode? ParentOf(TreeNode left, TreeNode right)
    {
        if (left.End != right.First)
        {
            return null;
        }

        for (var node = Root; !node.IsLeaf;)
        {
            if (node.Left == left)
            {
                return node.Right == right ? node : null;
            }

            node = node.Left.Contains(left) ? node.Left : node.Right;
        }

        return null;
    }

    /// <summary>Whether the nodes, from left to right, cover every logical rank once and each stands in the tree.</summary>
    public bool IsCover(ReadOnlySpan<TreeNode> nodes)
    {
        var next = 0;
        foreach (var node in nodes)
        {
            if (node.First != next || !IsNode(node))
            {
                return false;
            }

            next = node.End;
        }

        return next == LogicalRanks;
    }

    public bool IsNode(TreeNode candidate)
    {
        if (candidate.First < 0 || candidate.Length < 1 || candidate.End > LogicalRanks)
        {
            return false;
        }

        var node = Root;
        while (node != candidate && !node.IsLeaf)
        {
            node = node.Left.Contains(candidate) ? node.Left : node.Right;
        }

        return node == candidate;
    }

    private static void Collect(TreeNode node, int first, int end, ImmutableArray<TreeNode>.Builder nodes)
    {
        if (end <= node.First || node.End <= first)
        {
            return;
        }

        if (first <= node.First && node.End <= end)
        {
            nodes.Add(node);
            return;
        }

        Collect(node.Left, first, end, nodes);
        Collect(node.Right, first, end, nodes);
    }
}
