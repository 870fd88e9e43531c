using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

/// <summary>The all-reduce over real streams: the same bits over every transport and for every number of members, those of a plain loop.</summary>
public sealed class TransportTests
{
    private const int Steps = 3;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static TheoryData<string, int, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, int, int>();
            foreach (var transport in (string[])["tcp", "unix", "shm", "auto"])
            {
                foreach (var (members, logicalRanks) in ((int, int)[])[(1, 1), (2, 2), (2, 8), (3, 8), (4, 4), (5, 3), (16, 16)])
                {
                    foreach (var elements in (int[])[0, 1, 7, 1000, 65_537])
                    {
                        cases.Add(transport, members, logicalRanks, elements);
                    }
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task AllReduce_AnyTransportAndNumberOfMembers_IsTheSumAlongTheTree(string transport, int members, int logicalRanks, int elements)
    {
        using var cluster = new Cluster(members, logicalRanks, elements, transport, pieceElements: 8192, buckets: elements > 1000 ? 3 : 1);
        for (var step = 1; step <= Steps; step++)
        {
            var leaves = Enumerable.Range(0, logicalRanks).Select(rank => Leaf(step, rank, elements)).ToArray();
            await Task.WhenAll(cluster.Members.Select(member => Task.Factory.StartNew(
                () => member.Step(step, node => Sum(leaves, node.First, node.Length)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).WaitAsync(Limit);
            var expected = Sum(leaves, 0, logicalRanks);
            foreach (var member in cluster.Members)
            {
                Assert.True(expected.AsSpan().SequenceEqual(member.Reduced), $"Member {member.Plan.Self} has another sum in step {step}.");
            }
        }

        Assert.Empty(cluster.Logged);
        // Nothing was received into memory of the exchange's own when it could be read where it lies.
        Assert.True(transport is "tcp" or "unix" || cluster.Members.All(member => member.Exchange.MemoryBytes == 0));
    }

    public static TheoryData<string, int, int, int, bool> GroupCases
    {
        get
        {
            var cases = new TheoryData<string, int, int, int, bool>();
            foreach (var transport in (string[])["tcp", "unix", "shm"])
            {
                foreach (var (members, logicalRanks, mostDirect) in ((int, int, int)[])[(4, 4, 2), (5, 3, 2), (6, 7, 2), (9, 16, 4)])
                {
                    cases.Add(transport, members, logicalRanks, mostDirect, false);
                    cases.Add(transport, members, logicalRanks, mostDirect, true);
                }
            }

            cases.Add("tcp", 20, 24, Grouping.MostDirect, false);
            return cases;
        }
    }

    /// <summary>Members that add up for a group, along the same tree: the bits of the direct way.</summary>
    [Theory]
    [MemberData(nameof(GroupCases))]
    public async Task AllReduce_InGroups_IsTheSumAlongTheTree(string transport, int members, int logicalRanks, int mostDirect, bool isRounded)
    {
        const int elements = 9_999;
        using var cluster = new Cluster(
            members, logicalRanks, elements, transport, pieceElements: 512, buckets: 2, isRounded ? WireFormat.RoundedFrom(0) : WireFormat.Fp32, mostDirect: mostDirect);
        Assert.True(cluster.Members[0].Plan.Routes[0].Grouping.Groups > 1);
        for (var step = 1; step <= Steps; step++)
        {
            var leaves = Enumerable.Range(0, logicalRanks).Select(rank => Leaf(step, rank, elements).Select(Rounded).ToArray()).ToArray();
            await Task.WhenAll(cluster.Members.Select(member => Task.Factory.StartNew(
                () => member.Step(step, node => Sum(leaves, node.First, node.Length, (value, _) => Rounded(value))), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).WaitAsync(Limit);
            var expected = Sum(leaves, 0, logicalRanks, (value, _) => Rounded(value));
            foreach (var member in cluster.Members)
            {
                Assert.True(expected.AsSpan().SequenceEqual(member.Reduced), $"Member {member.Plan.Self} has another sum in step {step}.");
            }
        }

        Assert.Empty(cluster.Logged);
        float Rounded(float value) => isRounded ? Bf16.Round(value) : value;
    }

    public static TheoryData<string, int, int, int> RoundedCases
    {
        get
        {
            var cases = new TheoryData<string, int, int, int>();
            foreach (var transport in (string[])["tcp", "unix", "shm", "auto"])
            {
                foreach (var (members, logicalRanks) in ((int, int)[])[(1, 8), (2, 8), (3, 8), (4, 3), (8, 8)])
                {
                    foreach (var elements in (int[])[16, 23, 1000, 65_537])
                    {
                        cases.Add(transport, members, logicalRanks, elements);
                    }
                }
            }

            return cases;
        }
    }

    /// <summary>The reference is a plain loop over single elements; what stands in front of the first rounded element stays fp32.</summary>
    [Theory]
    [MemberData(nameof(RoundedCases))]
    public async Task AllReduce_WithBf16_RoundsEveryLeafAndEverySumOnEveryTransport(string transport, int members, int logicalRanks, int elements)
    {
        const int head = 16;
        using var cluster = new Cluster(members, logicalRanks, elements, transport, pieceElements: 8192, buckets: 2, WireFormat.RoundedFrom(head));
        for (var step = 1; step <= Steps; step++)
        {
            var leaves = Enumerable.Range(0, logicalRanks).Select(rank => Leaf(step, rank, elements).Select(Rounded).ToArray()).ToArray();
            await Task.WhenAll(cluster.Members.Select(member => Task.Factory.StartNew(
                () => member.Step(step, node => Sum(leaves, node.First, node.Length, Rounded)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).WaitAsync(Limit);
            var expected = Sum(leaves, 0, logicalRanks, Rounded);
            foreach (var member in cluster.Members)
            {
                Assert.True(expected.AsSpan().SequenceEqual(member.Reduced), $"Member {member.Plan.Self} has another sum in step {step}.");
            }
        }

        Assert.Empty(cluster.Logged);
        static float Rounded(float value, int index) => index < head ? value : Bf16.Round(value);
    }

    [Fact]
    public async Task AllReduce_WithBf16OverASocket_SendsHalfTheBytes()
    {
        const int elements = 1 << 16;
        var sent = new List<long>();
        foreach (var format in (WireFormat[])[WireFormat.Fp32, WireFormat.RoundedFrom(0)])
        {
            using var cluster = new Cluster(2, 2, elements, "tcp", pieceElements: 8192, buckets: 1, format);
            await Task.WhenAll(cluster.Members.Select(member => Task.Run(() => member.Step(1, node => new float[elements])))).WaitAsync(Limit);
            sent.Add(cluster.Members.Sum(member => member.Exchange.SentBytes));
        }

        Assert.Equal([2L * elements * sizeof(float), elements * sizeof(float)], sent);
    }

    /// <summary>Numbers whose sum depends on the order.</summary>
    private static float[] Leaf(int step, int rank, int elements)
    {
        var random = new Random((step * 1000) + rank);
        return [.. Enumerable.Range(0, elements).Select(_ => (random.NextSingle() - 0.5f) * MathF.Pow(10, random.Next(-4, 5)))];
    }

    private static float[] Sum(float[][] leaves, int first, int length, Func<float, int, float>? round = null)
    {
        if (length == 1)
        {
            return leaves[first];
        }

        var left = 1;
        while (left * 2 < length)
        {
            left *= 2;
        }

        var (a, b) = (Sum(leaves, first, left, round), Sum(leaves, first + left, length - left, round));
        return [.. a.Zip(b, (x, y) => x + y).Select((sum, i) => round is null ? sum : round(sum, i))];
    }
}
