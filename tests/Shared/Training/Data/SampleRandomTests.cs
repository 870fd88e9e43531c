using Orchestrator.Training.Data;

namespace Orchestrator.Training.Tests.Data;

public sealed class SampleRandomTests
{
    [Fact]
    public void NextUInt64_SeedZero_IsSplitMix64()
    {
        // The reference's first three outputs for seed 0.
        var random = new SampleRandom(0);
        Assert.Equal(0xE220A8397B1DCDAFUL, random.NextUInt64());
        Assert.Equal(0x6E789E6AA1B965F4UL, random.NextUInt64());
        Assert.Equal(0x06C45D188009454FUL, random.NextUInt64());
    }

    [Fact]
    public void For_NeighbouringSamplesAndEpochs_GivesUnlikeStreams()
    {
        var firsts = from sample in Enumerable.Range(0, 100)
                     from epoch in Enumerable.Range(0, 100)
                     select new SampleStreams(7, epoch).For(sample).NextUInt64();
        Assert.Equal(10_000, firsts.Distinct().Count());
    }

    [Fact]
    public void NextBell_OverManyDraws_HasMeanZeroAndVarianceOne()
    {
        var random = new SampleRandom(3);
        var draws = Enumerable.Range(0, 100_000).Select(_ => random.NextBell()).ToArray();
        Assert.InRange(draws.Average(), -0.02, 0.02);
        Assert.InRange(draws.Average(d => d * d), 0.98, 1.02);
    }

    [Fact]
    public void Next_OverManyDraws_FillsItsRangeEvenly()
    {
        var random = new SampleRandom(4);
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++)
        {
            counts[random.Next(7)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }
}
