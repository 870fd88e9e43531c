using System.Collections.Immutable;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>What one member adds up on the pieces of a route: its own partials and those of its children, to the maximal nodes that they cover.</summary>
/// <param name="Sums">One for each node, from left to right; at the root one, of the tree's root. Those of a member without ranks below it: none.</param>
/// <param name="SegmentsFrom">For each child: its nodes, one segment each; a child without nodes sends one that is empty.</param>
public sealed record Collection(ImmutableArray<MergePlan> Sums, ImmutableDictionary<int, ImmutableArray<TreeNode>> SegmentsFrom)
{
    /// <summary>Segments that a piece waits for.</summary>
    public int Segments { get; } = SegmentsFrom.Values.Sum(nodes => Math.Max(1, nodes.Length));

    /// <param name="tree">Over the logical ranks.</param>
    /// <param name="ownership">Who holds what.</param>
    /// <param name="route">The way of the pieces.</param>
    /// <param name="member">Who adds.</param>
    public static Collection Create(ReductionTree tree, Ownership ownership, Route route, int member)
    {
        var from = route.ChildrenOf(member).ToImmutableDictionary(child => child, child => NodesOf(tree, ownership, route, child));
        ImmutableArray<TreeNode> inputs = [.. from.Values.SelectMany(nodes => nodes).Concat(ownership.Nodes[member]).OrderBy(node => node.First)];
        return new Collection([.. Maximal(tree, inputs).Select(node => MergePlan.Create(node, [.. inputs.Where(node.Contains)]))], from);
    }

    /// <summary>What a member sends its parent: the maximal nodes of its own ranks and those of its children.</summary>
    public static ImmutableArray<TreeNode> NodesOf(ReductionTree tree, Ownership ownership, Route route, int member)
    {
        var children = route.ChildrenOf(member);
        return children.IsEmpty ? ownership.Nodes[member] : Maximal(tree, children.SelectMany(child => ownership.Nodes[child]).Concat(ownership.Nodes[member]));
    }

    private static ImmutableArray<TreeNode> Maximal(ReductionTree tree, IEnumerable<TreeNode> nodes) =>
        tree.MaximalNodes(nodes.SelectMany(node => Enumerable.Range(node.First, node.Length)));
}
