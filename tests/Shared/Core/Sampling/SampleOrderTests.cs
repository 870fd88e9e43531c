using Orchestrator.Core.Sampling;

namespace Orchestrator.Core.Tests.Sampling;

public sealed class SampleOrderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1000)]
    [InlineData(4097)]
    public void Permutation_AnyCount_VisitsEverySampleOnce(int count)
    {
        var permutation = new EpochPermutation(count, StreamSeed.EpochOrder(7, 3));
        var seen = Enumerable.Range(0, count).Select(i => permutation[i]).ToHashSet();
        Assert.Equal(count, seen.Count);
        Assert.InRange(seen.Max(), 0, count - 1);
    }

    [Fact]
    public void Permutation_OfTwoEpochs_Differs()
    {
        var first = new EpochPermutation(1000, StreamSeed.EpochOrder(7, 0));
        var second = new EpochPermutation(1000, StreamSeed.EpochOrder(7, 1));
        Assert.InRange(Enumerable.Range(0, 1000).Count(i => first[i] == second[i]), 0, 20);
    }

    /// <summary>The bits of every run depend on these numbers; they never change.</summary>
    [Fact]
    public void SampleAt_FixedSeed_IsPinned() =>
        Assert.Equal(
            Pinned, string.Join(" ", Enumerable.Range(0, 8).Select(i => new SampleOrder(1234, 100, 8, 8, null).SampleAt(i))));

    [Theory]
    [InlineData(23, 7, 100, 3)]
    [InlineData(32, 8, 1000, 1)]
    [InlineData(10, 10, 13, 2)]
    public void Shares_OfAllStepsOfEpochs_UseEverySampleExactlyOnceAnEpoch(int batch, int ranks, long count, long epochs)
    {
        var order = new SampleOrder(99, count, batch, ranks, epochs);
        var used = new Dictionary<(long Epoch, long Sample), int>();
        for (long step = 0; step < order.StepsOfEpochs; step++)
        {
            var sizes = Enumerable.Range(0, ranks).Select(rank => order.Share(step, rank)).ToList();
            Assert.Equal(order.BatchSize(step), sizes.Sum(share => share.Count));
            Assert.InRange(sizes.Max(share => share.Count) - sizes.Min(share => share.Count), 0, 1);
            foreach (var position in sizes.SelectMany(share => Enumerable.Range(0, share.Count).Select(i => share.First + i)))
            {
                var key = (order.EpochOf(position), order.SampleAt(position));
                used[key] = used.GetValueOrDefault(key) + 1;
            }
        }

        Assert.Equal(count * epochs, used.Count);
        Assert.All(used.Values, times => Assert.Equal(1, times));
    }

    [Fact]
    public void BatchSize_PastTheLastEpoch_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SampleOrder(1, 10, 5, 1, 1).BatchSize(2));

    [Fact]
    public void Constructor_MoreLogicalRanksThanSamplesInABatch_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SampleOrder(1, 10, 5, 6, 1));

    private const string Pinned = "66 28 36 23 33 42 81 12";
}
