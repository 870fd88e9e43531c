namespace Orchestrator.Core.Reduction;

/// <summary>Nodes of the reduction tree that a worker holds, each with a value, and the merges that a new leaf completes: left + right into left.</summary>
/// <remarks>
/// Leaves may come in any order: each merges with its sibling on either side as far as it goes. The merges stand until <see cref="Complete"/>, so that they can be
/// carried out piece by piece while the leaf is being computed; the nodes are those that stand when they are done.
/// </remarks>
public sealed class MergingNodes<T>(ReductionTree tree)
{
    private readonly List<(TreeNode Node, T Value)> _nodes = [];
    private readonly List<(T Left, T Right)> _merges = [];

    /// <summary>From left to right.</summary>
    public IReadOnlyList<(TreeNode Node, T Value)> Nodes => _nodes;

    /// <summary>In the order in which they are to be carried out.</summary>
    public IReadOnlyList<(T Left, T Right)> Merges => _merges;

    public void Add(int logicalRank, T value)
    {
        var index = _nodes.Count(each => each.Node.First < logicalRank);
        _nodes.Insert(index, (new TreeNode(logicalRank, 1), value));
        while (true)
        {
            if (index > 0 && tree.ParentOf(_nodes[index - 1].Node, _nodes[index].Node) is { } left)
            {
                index--;
                Plan(index, left);
            }
            else if (index + 1 < _nodes.Count && tree.ParentOf(_nodes[index].Node, _nodes[index + 1].Node) is { } right)
            {
                Plan(index, right);
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>The merges are done; the right values are not held any more.</summary>
    public void Complete() => _merges.Clear();

    public void Clear() => _nodes.Clear();

    private void Plan(int index, TreeNode parent)
    {
        _merges.Add((_nodes[index].Value, _nodes[index + 1].Value));
        _nodes[index] = (parent, _nodes[index].Value);
        _nodes.RemoveAt(index + 1);
    }
}
