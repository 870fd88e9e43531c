namespace Orchestrator.Core.Reduction;

/// <summary>A node of the reduction tree: the logical ranks from First on, Length of them.</summary>
/// <remarks>
/// A node of length n > 1 splits at the largest power of two below n. So every left child is a perfect tree, sums over it do not depend
/// on what stands to its right, and the shape is known from V alone.
/// </remarks>
public readonly record struct TreeNode(int First, int Length)
{
    public int End => First + Length;

    public bool IsLeaf => Length == 1;

    public TreeNode Left => new(First, Split);

    public TreeNode Right => new(First + Split, Length - Split);

    /// <summary>Logical ranks of the left child: the largest power of two below Length.</summary>
    private int Split => Length > 1
        ? 1 << System.Numerics.BitOperations.Log2((uint)(Length - 1))
        : throw new InvalidOperationException($"Node {this} is a leaf and has no children.");

    public bool Contains(TreeNode other) => First <= other.First && other.End <= End;

    public override string ToString() => $"[{First}, {End})";
}
