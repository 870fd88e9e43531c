using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Core.Tests.AllReduce;

public sealed class AllReduceMachineTests
{
    private static readonly Generation First = new(1);

    public static TheoryData<int, int, long, int> Sizes()
    {
        var data = new TheoryData<int, int, long, int>();
        foreach (var members in new[] { 1, 2, 3, 4, 5, 8, 11, 16 })
        {
            foreach (var ranks in new[] { 1, 7, 8 })
            {
                foreach (var elements in new long[] { 0, 1, 7, 1000, 65537 })
                {
                    data.Add(members, ranks, elements, Grouping.MostDirect);
                }
            }
        }

        // Groups: with a power of two of members and ranks, with neither, with members that stand by, and from one failure's map to the steady one.
        foreach (var (members, ranks, mostDirect) in ((int, int, int)[])[(2, 8, 1), (3, 8, 2), (4, 4, 2), (5, 3, 2), (6, 7, 2), (9, 9, 4), (16, 8, 8), (17, 32, 16), (24, 32, 16), (32, 32, 16), (33, 40, 16), (64, 64, 16), (64, 8, 16)])
        {
            foreach (var elements in members < 20 ? new long[] { 0, 1, 7, 1000, 65537 } : [0, 5000])
            {
                data.Add(members, ranks, elements, mostDirect);
            }
        }

        return data;
    }

    /// <summary>Links keep order; which link delivers next is drawn, and members run ahead as far as they are let.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void Step_AnyOrderOfArrival_GivesTheTreesSumToEveryMember(int count, int logicalRanks, long elements, int mostDirect)
    {
        var random = new Random(HashCode.Combine(1, count, logicalRanks, (int)elements));
        var members = Members(count, logicalRanks);
        var models = Enumerable.Range(0, count).Select(i => new ModelMember(Plan(members, i, logicalRanks, elements, 9973, mostDirect))).ToArray();
        var links = new Dictionary<(int From, int To), Queue<(SegmentHeader Header, string Payload)>>();
        var steps = new long[count];
        const long last = 3;
        while (true)
        {
            var choices = links.Where(link => link.Value.Count > 0).Select(link => (link.Key.From, link.Key.To)).ToList();
            choices.AddRange(Enumerable.Range(0, count).Where(i => models[i].State.IsDecided && steps[i] < last).Select(i => (i, i)));
            choices.AddRange(Enumerable.Range(0, count).Where(i => !models[i].State.IsLocalReady).Select(i => (i, i)));
            if (choices.Count == 0)
            {
                break;
            }

            var (from, to) = choices[random.Next(choices.Count)];
            if (from != to)
            {
                var (header, payload) = links[(from, to)].Dequeue();
                Post(links, to, models[to].Handle(new AllReduceEvent.SegmentArrived(header), payload));
            }
            else if (models[to].State.IsDecided)
            {
                models[to].Begin(++steps[to], First);
            }
            else
            {
                Post(links, to, models[to].Handle(new AllReduceEvent.BucketReady(models[to].State.ReadyBuckets)));
            }

            Verify(models[to], logicalRanks);
        }

        Assert.All(steps, step => Assert.Equal(last, step));
        Assert.All(models, model => Assert.True(model.State.IsDecided));
    }

    /// <summary>The counts that <see cref="Grouping"/> gives for its choice.</summary>
    [Theory]
    [InlineData(64, 63)]
    [InlineData(Grouping.MostDirect, 14)]
    public void Step_SixtyFourMembers_ExchangeWithFewAndSendNoMoreThanDirectly(int mostDirect, int peers)
    {
        const int count = 64;
        const int slice = SlicePlan.AlignmentElements;
        var members = Members(count, count);
        var models = Enumerable.Range(0, count)
            .Select(i => new ModelMember(AllReducePlan.Create(First, members[i].Worker, members, count, 0, [new ElementRange(0, count * slice)], slice, mostDirect))).ToArray();
        var sent = new List<(int From, int To, SegmentHeader Header)>();
        var links = new Dictionary<(int From, int To), Queue<(SegmentHeader Header, string Payload)>>();
        for (var i = 0; i < count; i++)
        {
            models[i].Begin(1, First);
            Deliver(i, models[i].Handle(new AllReduceEvent.BucketReady(0)));
        }

        while (links.FirstOrDefault(link => link.Value.Count > 0) is { Value: { } queue } link)
        {
            var (header, payload) = queue.Dequeue();
            Deliver(link.Key.To, models[link.Key.To].Handle(new AllReduceEvent.SegmentArrived(header), payload));
        }

        Assert.All(models, model => Assert.True(model.State.IsDecided));
        foreach (var each in sent.GroupBy(message => (message.From, message.Header.IsGather)))
        {
            Assert.Equal(peers, each.Select(message => message.To).Distinct().Count());
            Assert.Equal(63, each.Count());
            Assert.Equal(63 * slice, each.Sum(message => message.Header.Range.Length));
        }

        void Deliver(int from, IEnumerable<(int To, SegmentHeader Header, string Payload)> messages)
        {
            var all = messages.ToList();
            sent.AddRange(all.Select(message => (from, message.To, message.Header)));
            Post(links, from, all);
        }
    }

    [Theory]
    [InlineData(3, 1, 16)]
    [InlineData(9, 8, 4)]
    [InlineData(9, 0, 4)]
    [InlineData(20, 19, 16)]
    public void Step_OneMemberHasNotPreparedTheNextGeneration_AllAgreeOnTheLeast(int count, int late, int mostDirect)
    {
        var members = Members(count, 8);
        var models = Enumerable.Range(0, count).Select(i => new ModelMember(Plan(members, i, 8, 1000, 10, mostDirect))).ToArray();
        var links = new Dictionary<(int, int), Queue<(SegmentHeader Header, string Payload)>>();
        for (var i = 0; i < count; i++)
        {
            models[i].Begin(1, i == late ? First : First.Next);
            for (var bucket = 0; bucket < models[i].State.Plan.Buckets.Length; bucket++)
            {
                Post(links, i, models[i].Handle(new AllReduceEvent.BucketReady(bucket)));
            }
        }

        Drain(links, models);
        Assert.All(models, model => Assert.Equal(First, model.Decided));
    }

    [Fact]
    public void SegmentArrived_OfAnOlderGeneration_IsIgnoredWithTheReason()
    {
        var state = Begun(out var plan);
        var (next, effects) = AllReduceMachine.Step(state, Arrived(plan, header => header with { Generation = new Generation(0) }));
        Assert.Same(state, next);
        Assert.Equal("A segment of G0 came while G1 is in force.", Assert.IsType<AllReduceEffect.Ignore>(Assert.Single(effects)).Reason);
    }

    [Fact]
    public void SegmentArrived_Twice_Fails()
    {
        var state = Begun(out var plan);
        (state, _) = AllReduceMachine.Step(state, Arrived(plan, header => header));
        var (_, effects) = AllReduceMachine.Step(state, Arrived(plan, header => header));
        Assert.Equal("Worker w-2 sent elements [0, 10) of step 1 once too often.", Assert.IsType<AllReduceEffect.Fail>(Assert.Single(effects)).Reason);
    }

    [Fact]
    public void SegmentArrived_TwoStepsAhead_Fails()
    {
        var state = Begun(out var plan);
        var (_, effects) = AllReduceMachine.Step(state, Arrived(plan, header => header with { Step = 3 }));
        Assert.StartsWith("Worker w-2 sent a partial of step 3; step 1 is under way", Assert.IsType<AllReduceEffect.Fail>(Assert.Single(effects)).Reason);
    }

    [Fact]
    public void SegmentArrived_OfANodeTheSenderDoesNotHold_Fails()
    {
        var state = Begun(out var plan);
        var (_, effects) = AllReduceMachine.Step(state, Arrived(plan, header => header with { Node = new TreeNode(0, 4) }));
        Assert.Equal("Worker w-2 sent the partial [0, 4) of step 1; it holds [4, 8).", Assert.IsType<AllReduceEffect.Fail>(Assert.Single(effects)).Reason);
    }

    [Fact]
    public void PeerLost_DuringAStep_FailsAndNamesIt()
    {
        var (next, effects) = AllReduceMachine.Step(Begun(out _), new AllReduceEvent.PeerLost(1, "the stream broke."));
        Assert.Equal("Worker w-2 was lost during step 1 of G1: the stream broke.", Assert.IsType<AllReduceEffect.Fail>(Assert.Single(effects)).Reason);
        Assert.NotNull(next.Failure);
    }

    private static void Verify(ModelMember model, int logicalRanks)
    {
        if (model.State.IsDecided && model.State.Step > 0)
        {
            var expected = ModelMember.ValueOf(new ReductionTree(logicalRanks).Root, model.State.Step);
            Assert.All(model.Reduced, value => Assert.Equal(expected, value));
            Assert.Equal(model.State.Plan.Pieces.Sum(pieces => pieces.Count(piece => piece.Range.Length > 0)), model.Reduced.Count());
        }
    }

    private static void Drain(Dictionary<(int From, int To), Queue<(SegmentHeader Header, string Payload)>> links, ModelMember[] models)
    {
        while (links.FirstOrDefault(link => link.Value.Count > 0) is { Value: { } queue } link)
        {
            var (header, payload) = queue.Dequeue();
            Post(links, link.Key.To, models[link.Key.To].Handle(new AllReduceEvent.SegmentArrived(header), payload));
        }
    }

    private static void Post(
        Dictionary<(int From, int To), Queue<(SegmentHeader Header, string Payload)>> links, int from,
        IEnumerable<(int To, SegmentHeader Header, string Payload)> sent)
    {
        foreach (var (to, header, payload) in sent)
        {
            if (!links.TryGetValue((from, to), out var queue))
            {
                links[(from, to)] = queue = new Queue<(SegmentHeader, string)>();
            }

            queue.Enqueue((header, payload));
        }
    }

    private static ImmutableArray<Member> Members(int count, int logicalRanks) =>
        [.. RankPlan.Even(logicalRanks, count).Select((range, i) => new Member(WorkerId.FromNumber(i + 1), $"host:{i}", range.First, range.Count))];

    private static AllReducePlan Plan(ImmutableArray<Member> members, int self, int logicalRanks, long elements, int piece, int mostDirect = Grouping.MostDirect) =>
        AllReducePlan.Create(First, members[self].Worker, members, logicalRanks, 0, Buckets(elements), piece, mostDirect);

    /// <summary>Three buckets from the end of the buffer, as the backward pass makes them, where there are elements for them.</summary>
    private static ImmutableArray<ElementRange> Buckets(long elements)
    {
        var third = elements / 48 * 16;
        return third == 0
            ? [new ElementRange(0, elements)]
            : [new ElementRange(2 * third, elements - (2 * third)), new ElementRange(third, third), new ElementRange(0, third)];
    }

    private static AllReduceState Begun(out AllReducePlan plan)
    {
        plan = Plan(Members(2, 8), 0, 8, 20, 10);
        return AllReduceMachine.Step(AllReduceState.Start(plan), new AllReduceEvent.StepBegun(1, First)).Next;
    }

    private static AllReduceEvent.SegmentArrived Arrived(AllReducePlan plan, Func<SegmentHeader, SegmentHeader> change) =>
        new(change(new SegmentHeader(First, 1, 1, false, new TreeNode(4, 4), plan.Pieces[0][0].Range, First)));
}
