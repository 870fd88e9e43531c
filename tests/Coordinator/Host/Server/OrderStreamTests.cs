using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Protocol.Mapping;
using V1 = Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>Every order that listed all members to each of them made the bytes of a change grow with the square of their number.</summary>
public sealed class OrderStreamTests
{
    private readonly OrderWriter _writer = new(new SharedOrders());
    private readonly OrderReader _reader = new();
    private int _orders;
    private int _changes;

    /// <summary>Failures in the middle of a step, further ones before it is decided, joins, leaves and moved ranks, in any order.</summary>
    [Fact]
    public void ToDomain_AnyHistoryOfMembers_GivesTheListThatWasMeant()
    {
        for (var seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var logicalRanks = random.Next(1, 40);
            var (next, step) = (random.Next(2, 12), 0L);
            var members = Even(logicalRanks, Enumerable.Range(1, next++));
            Send(new CoordinatorMessage.Activate(new Generation(1), members, 0, 1000, 1000, null, []));
            for (var turn = 0; turn < 12; turn++)
            {
                (members, step) = random.Next(4) switch
                {
                    0 => (Switch(Even(logicalRanks, Numbers(members).Append(next++))), step + 3),
                    1 => (Switch(Move(random, members)), step + 3),
                    2 when members.Length > 1 => (Switch(Even(logicalRanks, Numbers(members).Where((_, i) => i != turn % members.Length))), step + 3),
                    _ => Fail(random, logicalRanks, members, step),
                };
            }
        }

        Assert.True(_changes > 0.8 * _orders, $"Only {_changes} of {_orders} orders went out as changes.");
    }

    [Fact]
    public void ToWire_OneOfAThousandDies_AFewBytesForEach()
    {
        var members = Even(1000, Enumerable.Range(1, 1000));
        var whole = _writer.ToWire(new CoordinatorMessage.Activate(new Generation(1), members, 0, 1000, 1000, null, []));
        var plan = Regroup(1000, members.RemoveAt(500), members, [.. Enumerable.Repeat(7L, 999)], 7);

        var changed = _writer.ToWire(new CoordinatorMessage.Activate(new Generation(2), plan.Members, plan.StartStep, 1000, 1000, plan.Donor, plan.Behind));

        Assert.Equal([500], changed.Activate.Changes.Gone);
        Assert.True(changed.CalculateSize() < 50, $"{whole.CalculateSize()} and {changed.CalculateSize()} bytes");
    }

    /// <summary>Each of ten thousand got a list of 332 kB: 3.3 GB for one run to begin. Hosts that attach in any order differ more from one to the next.</summary>
    [Theory]
    [InlineData(false, 1500)]
    [InlineData(true, 40_000)]
    public void ToWire_TenThousandForm_TheFirstListIsShort(bool isShuffled, int most)
    {
        var random = new Random(1);
        var hosts = Enumerable.Range(1, 10_000).OrderBy(host => isShuffled ? random.Next() : host).ToList();
        var ranges = RankPlan.Even(10_000, 10_000);
        ImmutableArray<Member> members = [.. hosts.Select((host, i) => new Member(WorkerId.FromNumber(i + 1), $"10.0.{host / 250}.{host % 250}:29500", ranges[i].First, ranges[i].Count))];
        var order = new CoordinatorMessage.Activate(new Generation(1), members, 0, 1000, 1000, null, []);
        var bytes = new OrderWriter(new SharedOrders()).ToWire(order).CalculateSize();
        Assert.True(bytes < most && order.ToWire().CalculateSize() > 300_000, $"{bytes} bytes of {order.ToWire().CalculateSize()}");
        Send(order);
    }

    /// <summary>Any ids, addresses and ranks, and lists that are too short to be packed.</summary>
    [Fact]
    public void ToDomain_AnyFirstList_GivesTheListThatWasMeant()
    {
        for (var seed = 1; seed <= 500; seed++)
        {
            var random = new Random(seed);
            ImmutableArray<int> counts = [.. Enumerable.Range(0, random.Next(1, 60)).Select(i => i == 0 ? 1 : random.Next(4))];
            var ranges = random.Next(2) == 0 ? RankPlan.Of(counts) : RankPlan.Even(random.Next(1, 90), counts.Length);
            var first = new OrderStreamTests();
            first.Send(new CoordinatorMessage.Switch(
                new Generation(2), [.. ranges.Select(range => new Member(new WorkerId(Name(random)), Name(random), range.First, range.Count))], 10, 10, "a change"));
        }

        static string Name(Random random) => random.Next(3) switch
        {
            0 => $"w-{random.Next(30)}",
            1 => string.Concat(Enumerable.Repeat("host-\u00e9.", random.Next(60))) + random.Next(1000),
            _ => "",
        };
    }

    [Fact]
    public void ToDomain_AListThatIsNone_IsRefused()
    {
        var whole = _writer.ToWire(new CoordinatorMessage.Activate(new Generation(1), Even(50, Enumerable.Range(1, 50)), 0, 10, 10, null, [])).Activate.List;
        Assert.NotNull(whole);
        Refuse(list => list.Count = 51);
        Refuse(list => list.Count = 49);
        Refuse(list => list.Count = 100_000);
        Refuse(list => list.NamesBytes = int.MaxValue);
        Refuse(list => list.NamesBytes--);
        Refuse(list => list.Names = Google.Protobuf.ByteString.CopyFrom(1, 2, 3));
        Refuse(list => list.RankCounts.Add(50));

        void Refuse(Action<V1.MemberList> change)
        {
            var list = whole.Clone();
            change(list);
            Assert.Throws<InvalidOperationException>(() => _reader.ToDomain(new V1.CoordinatorMessage { Activate = new V1.Activate { Generation = 1, List = list } }));
        }
    }

    /// <summary>Half of ten thousand were a step behind: 10 kB for each of them.</summary>
    [Fact]
    public void ToWire_ManyAreBehind_BitsSayWho()
    {
        var random = new Random(1);
        foreach (var share in (double[])[0, 0.0001, 0.01, 0.3, 0.5, 1])
        {
            ImmutableArray<int> behind = [.. Enumerable.Range(0, 10_000).Where(_ => random.NextDouble() < share)];
            var wire = new CoordinatorMessage.Activate(new Generation(1), Even(8, [1, 2]), 7, 10, 10, 0, behind).ToWire();
            Assert.True(wire.CalculateSize() < 1400, $"{behind.Length} are behind: {wire.CalculateSize()} bytes");
            Assert.Equal(behind, ((CoordinatorMessage.Activate)wire.ToDomain()!).Behind);
        }
    }

    /// <summary>All streams get the same message: it is made once.</summary>
    [Fact]
    public void ToWire_TwoStreamsWithTheSameHistory_ShareTheMessage()
    {
        var shared = new SharedOrders();
        var (one, other) = (new OrderWriter(shared), new OrderWriter(shared));
        var order = new CoordinatorMessage.Activate(new Generation(1), Even(8, [1, 2]), 0, 10, 10, null, []);
        Assert.Same(one.ToWire(order), other.ToWire(order));
    }

    [Fact]
    public void ToDomain_ChangesOfAListThatNeverCame_AreRefused()
    {
        var wire = new V1.CoordinatorMessage { Activate = new V1.Activate { Generation = 2, Changes = new V1.MemberChanges { LogicalRanks = 8 } } };
        Assert.Contains("had not sent on this stream", Assert.Throws<InvalidOperationException>(() => _reader.ToDomain(wire)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 0)] // ranks of three members in a list of two
    [InlineData(0, 5)] // a place that the list does not have
    public void ToDomain_ChangesThatDoNotFitTheList_AreRefused(int counts, int place)
    {
        Send(new CoordinatorMessage.Activate(new Generation(1), Even(8, [1, 2]), 0, 10, 10, null, []));
        var changes = new V1.MemberChanges { LogicalRanks = 8, RankCounts = { Enumerable.Repeat(1, counts) } };
        if (place > 0)
        {
            changes.Came.Add(new V1.Member { WorkerId = "w-3", CollectiveAddress = "h:3" });
            changes.CameAt.Add(place);
        }

        Assert.Throws<InvalidOperationException>(() => _reader.ToDomain(new V1.CoordinatorMessage { Activate = new V1.Activate { Generation = 2, Changes = changes } }));
    }

    private static ImmutableArray<Member> Even(int logicalRanks, IEnumerable<int> numbers)
    {
        var workers = numbers.ToList();
        return Of(workers, RankPlan.Even(logicalRanks, workers.Count));
    }

    private static ImmutableArray<Member> Of(IReadOnlyList<int> numbers, ImmutableArray<RankRange> ranges) =>
        [.. numbers.Select((number, i) => new Member(WorkerId.FromNumber(number), $"host-{number}:29500", ranges[i].First, ranges[i].Count))];

    private static IEnumerable<int> Numbers(ImmutableArray<Member> members) => members.Select(member => int.Parse(member.Worker.Value[2..], System.Globalization.CultureInfo.InvariantCulture));

    private static ImmutableArray<Member> Move(Random random, ImmutableArray<Member> members)
    {
        var counts = members.Select(member => member.RankCount).ToArray();
        var from = random.Next(counts.Length);
        var to = random.Next(counts.Length);
        var moved = random.Next(counts[from] + 1);
        counts[from] -= moved;
        counts[to] += moved;
        return Of([.. Numbers(members)], RankPlan.Of([.. counts]));
    }

    private ImmutableArray<Member> Switch(ImmutableArray<Member> members)
    {
        Send(new CoordinatorMessage.Switch(new Generation(2), members, 1000, 1000, "a change"));
        return members;
    }

    /// <summary>Some have decided a step more than others; each holds what it owned of the step that is not decided.</summary>
    private (ImmutableArray<Member> Members, long Step) Fail(Random random, int logicalRanks, ImmutableArray<Member> members, long step)
    {
        var left = members.Length == 1 ? members : members.RemoveAt(random.Next(members.Length));
        var isSameStep = random.Next(2) == 0;
        var start = isSameStep ? step : step + 2;
        ImmutableArray<long> decided = [.. left.Select(_ => isSameStep || random.Next(4) > 0 ? start : start - 1)];
        var plan = Regroup(logicalRanks, left, members, decided, step);
        Send(new CoordinatorMessage.Activate(new Generation(2), plan.Members, plan.StartStep, 1000, 1000, plan.Donor, plan.Behind));
        return (plan.Members, plan.StartStep);
    }

    private static RegroupPlan Regroup(int logicalRanks, ImmutableArray<Member> left, ImmutableArray<Member> former, ImmutableArray<long> decided, long formerStart)
    {
        var candidates = left.ToImmutableSortedDictionary(member => member.Worker, member => new Candidate(member.Worker, new WorkerMessage.Hello(1, "h", member.CollectiveAddress, "", "avx2", "cpu", "", "1")));
        var crew = new Crew(new Generation(1), candidates, former.ToImmutableSortedDictionary(member => member.Worker, member => member), formerStart, 1000, 1000, new BatchSizes(64, 64));
        var answers = left.Select((member, i) => KeyValuePair.Create(member.Worker, new WorkerMessage.Fenced(
            new Generation(2), decided[i], [.. Ranges(crew.RanksOf(member.Worker, decided[i] + 1))], HasReduced: true))).ToImmutableSortedDictionary();
        return RegroupPlan.Create(logicalRanks, crew, answers);
    }

    private static IEnumerable<RankRange> Ranges(IEnumerable<int> ranks) => ranks.Select(rank => new RankRange(rank, 1));

    private void Send(CoordinatorMessage order)
    {
        var wire = V1.CoordinatorMessage.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(_writer.ToWire(order)));
        _orders++;
        _changes += (wire.Activate?.Changes ?? wire.Switch?.Changes) is null ? 0 : 1;
        var (expected, found) = (MembersOf(order), MembersOf(_reader.ToDomain(wire)!));
        Assert.Equal(expected.Select(Describe), found.Select(Describe));
    }

    private static ImmutableArray<Member> MembersOf(CoordinatorMessage order) => order is CoordinatorMessage.Activate activate ? activate.Members : ((CoordinatorMessage.Switch)order).Members;

    private static string Describe(Member member) =>
        $"{member.Worker} {member.CollectiveAddress} {member.FirstRank}+{member.RankCount} {(member.FirstStepRanks.IsDefault ? "" : $"({string.Join(" ", member.FirstStepRanks)})")}";
}
