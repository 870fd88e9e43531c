using System.Collections.Immutable;

namespace Orchestrator.Core.Reduction;

/// <summary>How partials become one sum: a list of additions in tree order, as a slice owner carries them out.</summary>
/// <remarks>
/// Before: one partial for each of <see cref="Inputs"/> (from left to right, covering every logical rank of the node once). The additions are carried
/// out in order; each adds the partial at Right into the one at Left, which then stands for their parent. After: the partial at 0
/// is the sum of the node. Inputs.Length - 1 additions, whatever the order of arrival.
/// </remarks>
public sealed record MergePlan(ImmutableArray<TreeNode> Inputs, ImmutableArray<MergePlan.Addition> Additions)
{
    /// <param name="Left">Index of the input that is added to.</param>
    /// <param name="Right">Index of the input that is added.</param>
    public readonly record struct Addition(int Left, int Right);

    /// <summary>Whose sum it gives.</summary>
    public TreeNode Node => new(Inputs[0].First, Inputs[^1].End - Inputs[0].First);

    public static MergePlan Create(ReductionTree tree, ImmutableArray<TreeNode> inputs)
    {
        if (!tree.IsCover(inputs.AsSpan()))
        {
            throw new ArgumentException(
                $"Partials {string.Join(" ", inputs)} do not cover the {tree.LogicalRanks} logical ranks once, from left to right.", nameof(inputs));
        }

        return Create(tree.Root, inputs);
    }

    /// <param name="node">Of the tree: whose sum is wanted.</param>
    /// <param name="inputs">Nodes of the tree that cover it once, from left to right.</param>
    public static MergePlan Create(TreeNode node, ImmutableArray<TreeNode> inputs)
    {
        var additions = ImmutableArray.CreateBuilder<Addition>(inputs.Length - 1);
        Add(node, inputs, additions);
        return new MergePlan(inputs, additions.ToImmutable());
    }

    /// <returns>The index of the input that holds the node's sum afterwards.</returns>
    private static int Add(TreeNode node, ImmutableArray<TreeNode> inputs, ImmutableArray<Addition>.Builder additions)
    {
        var index = inputs.IndexOf(node);
        if (index >= 0)
        {
            return index;
        }

        var left = Add(node.Left, inputs, additions);
        additions.Add(new Addition(left, Add(node.Right, inputs, additions)));
        return left;
    }
}
