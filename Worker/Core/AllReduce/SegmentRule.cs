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

    /// <summary>Why a partial that was sent before may not be.</summary>
    public static string OnceTooOften(AllReduceState state, SegmentHeader header) =>
        $"{Sender(state, header)} sent elements [{header.Range.Offset}, {header.Range.End}) of step {header.Step} once too often.";

    private static string? CheckPartial(AllReduceState state, SegmentHeader header)
    {
        var plan = state.Plan;
        if (header.Step != state.Step && header.Step != state.Step + 1)
        {
            return $"{Sender(state, header)} sent a partial of step {header.Step}; step {state.Step} is under way, and a peer is at most one ahead.";
        }

        var piece = plan.CollectedAt(header.Range.Offset);
        if (piece < 0 || header.Range.Length != (header.Node.Length > 0 ? plan.Collected[piece].Range.Length : 0)
            || !plan.CollectionOf(header.Step, piece).SegmentsFrom.TryGetValue(header.Sender, out var nodes))
        {
            return $"{Sender(state, header)} sent elements [{header.Range.Offset}, {header.Range.End}) of step {header.Step}; none of the " +
                $"{plan.Collected.Length} pieces that {plan.Members[plan.Self].Worker} adds up for it has these bounds. Check that all workers run the same job file and version.";
        }

        if (header.Node.Length > 0 ? !nodes.Contains(header.Node) : !nodes.IsEmpty)
        {
            return $"{Sender(state, header)} sent the partial {header.Node} of step {header.Step}; it holds {string.Join(" ", nodes)}.";
        }

        var missing = (header.Step == state.Step ? state.Present : state.Next).Missing[piece];
        return missing > 0 ? null : OnceTooOften(state, header);
    }

    private static string? CheckGather(AllReduceState state, SegmentHeader header)
    {
        var plan = state.Plan;
        if (header.Step != state.Step || state.MissingGathered == 0)
        {
            return $"{Sender(state, header)} sent a reduced piece of step {header.Step}; step {state.Step} waits for {state.MissingGathered} pieces.";
        }

        return plan.PieceAt(header.Range.Offset) is { } piece && piece.Range == header.Range && piece.Bucket < state.ReadyBuckets
            && plan.Routes[piece.Route].ParentOf(plan.Self) == header.Sender
            ? null
            : $"{Sender(state, header)} sent reduced elements [{header.Range.Offset}, {header.Range.End}) of step {header.Step}, which are no piece of its slice.";
    }

    private static string Sender(AllReduceState state, SegmentHeader header) => $"Worker {state.Plan.Members[header.Sender].Worker}";
}
