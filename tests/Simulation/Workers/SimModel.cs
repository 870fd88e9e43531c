using System.Collections.Immutable;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Simulation.Workers;

/// <summary>The small model: a state is a number, gradients are numbers for blocks of elements, and adding is a hash of left and right, so that a wrong order shows.</summary>
public static class SimModel
{
    /// <summary>A slice is cut at multiples of this many elements.</summary>
    public const int BlockElements = SlicePlan.AlignmentElements;

    public const int Blocks = 8;

    /// <summary>Two buckets of four blocks.</summary>
    public static readonly ImmutableArray<ElementRange> Buckets = [new(0, 4 * BlockElements), new(4 * BlockElements, 4 * BlockElements)];

    public static readonly ulong InitialState = 0x9E3779B97F4A7C15;

    public static ulong Add(ulong left, ulong right) => Mix(Mix(left ^ 0xD1B54A32D192ED03) + (right * 3));

    public static ulong Leaf(ulong state, long step, int rank, int block) => Mix(state + ((ulong)step * 1_000_003) + ((ulong)rank * 7919) + ((ulong)block * 104_729));

    public static ulong Apply(ulong state, ulong[] reduced) => reduced.Aggregate(Mix(state), (sum, value) => Mix(sum ^ value));

    /// <summary>States after 0, 1, ... steps of a run on one quiet worker.</summary>
    public static ulong[] States(int logicalRanks, long steps) => States(logicalRanks, steps, InitialState);

    /// <summary>The same of a run that starts from other weights.</summary>
    public static ulong[] States(int logicalRanks, long steps, ulong initial)
    {
        var states = new ulong[steps + 1];
        states[0] = initial;
        for (var step = 1L; step <= steps; step++)
        {
            var state = states[step - 1];
            var reduced = Enumerable.Range(0, Blocks).Select(block => Node(new ReductionTree(logicalRanks).Root, state, step, block)).ToArray();
            states[step] = Apply(state, reduced);
        }

        return states;
    }

    private static ulong Node(TreeNode node, ulong state, long step, int block) =>
        node.IsLeaf ? Leaf(state, step, node.First, block) : Add(Node(node.Left, state, step, block), Node(node.Right, state, step, block));

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}

/// <summary>Memory that senders read late and that is used again: whoever reads it after that gets what does not belong to him.</summary>
public sealed class SimBuffer
{
    /// <summary>What stands in memory that nobody may read.</summary>
    public const ulong Poison = 0xDEADBEEFDEADBEEF;

    public ulong[] Values { get; } = Enumerable.Repeat(Poison, SimModel.Blocks).ToArray();

    public void Clear() => Values.AsSpan().Fill(Poison);
}
