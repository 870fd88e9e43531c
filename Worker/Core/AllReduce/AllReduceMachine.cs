using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>Decides, segment by segment, what one member does in the all-reduce. Knows counts and ranges, never a number of the gradient.</summary>
public static class AllReduceMachine
{
    public static (AllReduceState Next, ImmutableArray<AllReduceEffect> Effects) Step(AllReduceState state, AllReduceEvent @event) => @event switch
    {
        _ when state.Failure is { } failure => (state, [new AllReduceEffect.Ignore($"The all-reduce has ended: {failure}")]),
        AllReduceEvent.StepBegun begun => Begin(state, begun),
        AllReduceEvent.BucketReady ready => BucketReady(state, ready.Bucket),
        AllReduceEvent.SegmentArrived arrived => SegmentArrived(state, arrived.Header),
        AllReduceEvent.PeerLost lost => Fail(
            state, $"Worker {state.Plan.Members[lost.Member].Worker} was lost during step {state.Step} of {state.Plan.Generation}: {lost.Reason}"),
        _ => throw new ArgumentOutOfRangeException(nameof(@event), @event.GetType().Name, "An event that the all-reduce does not know."),
    };

    private static (AllReduceState, ImmutableArray<AllReduceEffect>) Begin(AllReduceState state, AllReduceEvent.StepBegun begun)
    {
        if (!state.IsDecided || begun.Step != state.Step + 1)
        {
            return Fail(state, $"Step {begun.Step} was begun in {state.Plan.Generation} while step {state.Step} is {(state.IsDecided ? "the last" : "undecided")}.");
        }

        return (state with
        {
            Step = begun.Step,
            Prepared = begun.Prepared,
            Present = state.Next,
            Next = StepArrivals.Empty(state.Plan, begun.Step + 1),
            ReadyBuckets = 0,
            MissingGathered = state.Plan.GatheredPieces,
            GatheredPrepared = null,
            IsDecided = false,
        }, []);
    }

    private static (AllReduceState, ImmutableArray<AllReduceEffect>) BucketReady(AllReduceState state, int bucket)
    {
        if (state.IsDecided || bucket != state.ReadyBuckets)
        {
            return Fail(state, $"Bucket {bucket} of step {state.Step} became ready in {state.Plan.Generation} after {state.ReadyBuckets} of {state.Plan.Buckets.Length}.");
        }

        var plan = state.Plan;
        var effects = ImmutableArray.CreateBuilder<AllReduceEffect>();
        // Begin with the member behind this one, so that the members do not all send to the first at once.
        for (var distance = 1; distance < plan.Members.Length; distance++)
        {
            var member = (plan.Self + distance) % plan.Members.Length;
            foreach (var piece in plan.Pieces[member].Where(piece => piece.Bucket == bucket && plan.CollectedAt(piece.Range.Offset) < 0))
            {
                AddPartials(plan, state.Step, plan.Routes[piece.Route].ParentOf(plan.Self), piece.Range, state.Prepared, effects);
            }
        }

        var next = state with { ReadyBuckets = bucket + 1 };
        for (var piece = 0; piece < plan.Collected.Length; piece++)
        {
            if (plan.Collected[piece].Bucket == bucket)
            {
                AddReduction(next, piece, effects);
            }
        }

        return Decide(next, effects);
    }

    private static void AddPartials(
        AllReducePlan plan, long step, int member, ElementRange piece, Generation prepared, ImmutableArray<AllReduceEffect>.Builder effects)
    {
        var nodes = plan.In(step).Nodes[plan.Self];
        if (nodes.IsEmpty)
        {
            effects.Add(new AllReduceEffect.SendPartial(member, null, piece with { Length = 0 }, prepared));
        }

        foreach (var node in nodes)
        {
            effects.Add(new AllReduceEffect.SendPartial(member, node, piece, prepared));
        }
    }

    private static (AllReduceState, ImmutableArray<AllReduceEffect>) SegmentArrived(AllReduceState state, SegmentHeader header)
    {
        if (header.Generation != state.Plan.Generation)
        {
            return (state, [new AllReduceEffect.Ignore($"A segment of {header.Generation} came while {state.Plan.Generation} is in force.")]);
        }

        if (SegmentRule.Check(state, header) is { } objection)
        {
            return Fail(state, objection);
        }

        return header.IsGather ? Gathered(state, header) : Partial(state, header);
    }

    private static (AllReduceState, ImmutableArray<AllReduceEffect>) Partial(AllReduceState state, SegmentHeader header)
    {
        var piece = state.Plan.CollectedAt(header.Range.Offset);
        var effects = ImmutableArray.CreateBuilder<AllReduceEffect>();
        if (header.Node.Length > 0)
        {
            effects.Add(new AllReduceEffect.StorePartial(header.Step, header.Node, header.Range));
        }

        if (header.Step == state.Step + 1)
        {
            return (state with { Next = state.Next.Take(piece, header.Prepared) }, effects.ToImmutable());
        }

        var next = state with { Present = state.Present.Take(piece, header.Prepared) };
        AddReduction(next, piece, effects);
        return Decide(next, effects);
    }

    private static (AllReduceState, ImmutableArray<AllReduceEffect>) Gathered(AllReduceState state, SegmentHeader header)
    {
        var effects = ImmutableArray.CreateBuilder<AllReduceEffect>();
        effects.Add(new AllReduceEffect.StoreReduced(header.Range));
        var collected = state.Plan.CollectedAt(header.Range.Offset);
        if (collected >= 0)
        {
            var children = state.Plan.Routes[state.Plan.Collected[collected].Route].ChildrenOf(state.Plan.Self);
            effects.Add(new AllReduceEffect.SendReduced(header.Range, header.Prepared, children));
        }

        return Decide(
            state with
            {
                MissingGathered = state.MissingGathered - 1,
                GatheredPrepared = StepArrivals.Least(state.GatheredPrepared, header.Prepared),
            },
            effects);
    }

    private static void AddReduction(AllReduceState state, int piece, ImmutableArray<AllReduceEffect>.Builder effects)
    {
        var (range, bucket, way) = state.Plan.Collected[piece];
        if (bucket >= state.ReadyBuckets || state.Present.Missing[piece] > 0)
        {
            return;
        }

        var route = state.Plan.Routes[way];
        if (route.Root == state.Plan.Self)
        {
            effects.Add(new AllReduceEffect.ReducePiece(range));
            effects.Add(new AllReduceEffect.SendReduced(range, LeastPrepared(state), route.ChildrenOf(state.Plan.Self)));
        }
        else
        {
            effects.Add(new AllReduceEffect.CollectPiece(range, route.ParentOf(state.Plan.Self), LeastPrepared(state)));
        }
    }

    /// <summary>Every member sends at least one segment for every piece, so a root's piece without missing segments has heard of all members, a collector's of its group.</summary>
    private static Generation LeastPrepared(AllReduceState state) => StepArrivals.Least(state.Present.LeastPrepared, state.Prepared);

    private static (AllReduceState, ImmutableArray<AllReduceEffect>) Decide(AllReduceState state, ImmutableArray<AllReduceEffect>.Builder effects)
    {
        if (!state.IsDecided && state.IsLocalReady && state.MissingGathered == 0 && state.Present.MissingInAll == 0)
        {
            state = state with { IsDecided = true };
            effects.Add(new AllReduceEffect.Decided(state.Step, StepArrivals.Least(state.GatheredPrepared, LeastPrepared(state))));
        }

        return (state, effects.ToImmutable());
    }

    private static (AllReduceState, ImmutableArray<AllReduceEffect>) Fail(AllReduceState state, string reason) =>
        (state with { Failure = reason }, [new AllReduceEffect.Fail(reason)]);
}
