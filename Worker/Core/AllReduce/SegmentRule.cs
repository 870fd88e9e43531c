namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>Whether a segment of the present generation may be taken in. A segment that may not is a peer with another plan, or our bug.</summary>
public static class SegmentRule
{
    /// <returns>Null when it may; else a sentence that blames, identifies and gives numbers.</returns>
    public static string? Check(AllReduceState state, SegmentHeader header)
    {
        var plan = state.Plan;
        if (header.Sender < 0 || header.Sender >= plan.Members.Length || header.Sender == plan.Self)
        {
            return $"A segment of step {header.Step} names member {header.Sender} as its sender; {plan.Generation} has members 0 to {plan.Members.Length - 1}.";
        }

        return header.IsGather ? CheckGather(state, header) : CheckPartial(state, header);
    }

    private static string? CheckPartial(AllReduceState state, SegmentHeader header)
    {
        var plan = state.Plan;
        if (header.Step != state.Step && header.Step != state.Step + 1)
        {
            return $"{Sender(state, header)} sent a partial of step {header.Step}; step {state.Step} is under way, and a peer is at most one ahead.";
        }

        var piece = plan.PieceAt(plan.Self, header.Range.Offset);
        if (piece < 0 || header.Range.Length != (header.Node.Length > 0 ? plan.OwnPieces[piece].Range.Length : 0))
        {
            return $"{Sender(state, header)} sent elements [{header.Range.Offset}, {header.Range.End}) of step {header.Step}; none of the " +
                $"{plan.OwnPieces.Length} pieces of {plan.Members[plan.Self].Worker} has these bounds. Check that all workers run the same job file and version.";
        }

        var nodes = plan.In(header.Step).Nodes[header.Sender];
        if (header.Node.Length > 0 ? !nodes.Contains(header.Node) : !nodes.IsEmpty)
        {
            return $"{Sender(state, header)} sent the partial {header.Node} of step {header.Step}; it holds {string.Join(" ", nodes)}.";
        }

        var missing = (header.Step == state.Step ? state.Present : state.Next).Missing[piece];
        return missing > 0 ? null : $"{Sender(state, header)} sent elements [{header.Range.Offset}, {header.Range.End}) of step {header.Step} once too often.";
    }

    private static string? CheckGather(AllReduceState state, SegmentHeader header)
    {
        var plan = state.Plan;
        if (header.Step != state.Step || state.MissingGathered == 0)
        {
            return $"{Sender(state, header)} sent a reduced piece of step {header.Step}; step {state.Step} waits for {state.MissingGathered} pieces.";
        }

        var piece = plan.PieceAt(header.Sender, header.Range.Offset);
        return piece >= 0 && plan.Pieces[header.Sender][piece].Range == header.Range && plan.Pieces[header.Sender][piece].Bucket < state.ReadyBuckets
            ? null
            : $"{Sender(state, header)} sent reduced elements [{header.Range.Offset}, {header.Range.End}) of step {header.Step}, which are no piece of its slice.";
    }

    private static string Sender(AllReduceState state, SegmentHeader header) => $"Worker {state.Plan.Members[header.Sender].Worker}";
}
