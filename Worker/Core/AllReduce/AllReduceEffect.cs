using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>What the shell has to do, in the order given: a payload is stored BEFORE the piece that it completes is reduced.</summary>
public abstract record AllReduceEffect
{
    private AllReduceEffect() { }

    /// <summary>Send a piece of one of this member's partials to the owner of its slice, or to who collects for it.</summary>
    /// <param name="Member">Who that is.</param>
    /// <param name="Node">The partial; null: stand by, send no payload.</param>
    /// <param name="Range">The piece; of length 0 when there is no payload.</param>
    /// <param name="Prepared">This member's prepared generation.</param>
    public sealed record SendPartial(int Member, TreeNode? Node, ElementRange Range, Generation Prepared) : AllReduceEffect;

    /// <summary>Keep a received piece of a partial until its step has been reduced.</summary>
    /// <param name="Step">The present step or the next.</param>
    /// <param name="Node">The partial.</param>
    /// <param name="Range">The piece.</param>
    public sealed record StorePartial(long Step, TreeNode Node, ElementRange Range) : AllReduceEffect;

    /// <summary>Keep a received piece of another's reduced slice.</summary>
    public sealed record StoreReduced(ElementRange Range) : AllReduceEffect;

    /// <summary>Add all partials of a piece of the own slice, as its <see cref="Collection"/> says, into the reduced buffer.</summary>
    public sealed record ReducePiece(ElementRange Range) : AllReduceEffect;

    /// <summary>Add the partials of a piece that this member collects, as its <see cref="Collection"/> says, and send each sum on as a partial; an empty segment when there is none.</summary>
    /// <param name="Range">The piece.</param>
    /// <param name="Parent">Who gets them.</param>
    /// <param name="Prepared">The least prepared generation of those who are in it.</param>
    public sealed record CollectPiece(ElementRange Range, int Parent, Generation Prepared) : AllReduceEffect;

    /// <summary>Send a reduced piece on: one that <see cref="ReducePiece"/> has just given, or one that has come from this member's parent.</summary>
    /// <param name="Range">The piece.</param>
    /// <param name="LeastPrepared">Of all members.</param>
    /// <param name="Members">To whom, in this order.</param>
    public sealed record SendReduced(ElementRange Range, Generation LeastPrepared, ImmutableArray<int> Members) : AllReduceEffect;

    /// <summary>The whole reduced gradient of the step is held: the step is decided.</summary>
    /// <param name="Step">The step.</param>
    /// <param name="LeastPrepared">All members switch to this generation after the step; the present one: they go on.</param>
    public sealed record Decided(long Step, Generation LeastPrepared) : AllReduceEffect;

    /// <summary>Drop a segment and say why: it is from another generation or step. Not an error.</summary>
    public sealed record Ignore(string Reason) : AllReduceEffect;

    /// <summary>The all-reduce cannot go on.</summary>
    public sealed record Fail(string Reason) : AllReduceEffect;
}
