using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>What the shell has to do, in the order given: a payload is stored BEFORE the piece that it completes is reduced.</summary>
public abstract record AllReduceEffect
{
    private AllReduceEffect() { }

    /// <summary>Send a piece of one of this member's partials to the owner of its slice.</summary>
    /// <param name="Member">The owner.</param>
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

    /// <summary>Add all partials of a piece of the own slice, as <see cref="Ownership.Merge"/> says, into the reduced buffer.</summary>
    public sealed record ReducePiece(ElementRange Range) : AllReduceEffect;

    /// <summary>Send a reduced piece to every other member.</summary>
    public sealed record SendReduced(ElementRange Range, Generation LeastPrepared) : AllReduceEffect;

    /// <summary>The whole reduced gradient of the step is held: the step is decided.</summary>
    /// <param name="Step">The step.</param>
    /// <param name="LeastPrepared">All members switch to this generation after the step; the present one: they go on.</param>
    public sealed record Decided(long Step, Generation LeastPrepared) : AllReduceEffect;

    /// <summary>Drop a segment and say why: it is from another generation or step. Not an error.</summary>
    public sealed record Ignore(string Reason) : AllReduceEffect;

    /// <summary>The all-reduce cannot go on.</summary>
    public sealed record Fail(string Reason) : AllReduceEffect;
}
