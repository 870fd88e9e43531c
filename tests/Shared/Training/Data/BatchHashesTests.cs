using Orchestrator.Core.Ledger;
using Orchestrator.Training.Data;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Data;

public sealed class BatchHashesTests
{
    private static readonly float[] Inputs = [1, 2, 3, 4, 5, 6];
    private static readonly long[] Targets = [7, 8, 9];

    [Fact]
    public void Of_TheSameSamples_AreTheSameHashesWhereverTheyStand()
    {
        using var batch = New(Inputs, Targets);
        using var part = New([3, 4], [8]);

        var all = BatchHashes.Of([10, 11, 12], batch);

        Assert.Equal(all[1], Assert.Single(BatchHashes.Of([11], part)));
        Assert.Equal(3, all.Distinct().Count());
    }

    [Fact]
    public void Of_AnotherIdByteOrType_IsAnotherHash()
    {
        using var batch = New([1, 2], [7]);
        using var otherInput = New([1, -2], [7]);
        using var otherTarget = New([1, 2], [6]);
        using var otherType = new Batch(tensor(new[] { BitConverter.SingleToInt32Bits(1), BitConverter.SingleToInt32Bits(2) }, [1, 2]), batch.Targets.alias(), 1);

        ulong[] hashes =
        [
            BatchHashes.Of([10], batch)[0], BatchHashes.Of([11], batch)[0], BatchHashes.Of([10], otherInput)[0], BatchHashes.Of([10], otherTarget)[0],
            BatchHashes.Of([10], otherType)[0],
        ];

        Assert.Equal(hashes.Length, hashes.Distinct().Count());
    }

    [Fact]
    public void Of_ATensorThatIsNotContiguous_HasTheHashOfItsValues()
    {
        using var straight = New(Inputs, Targets);
        using var columns = tensor(new float[] { 1, 3, 5, 2, 4, 6 }, [2, 3]);
        using var turned = new Batch(columns.t(), straight.Targets.alias(), 3);

        Assert.Equal(BatchHashes.Of([0, 1, 2], straight), BatchHashes.Of([0, 1, 2], turned));
    }

    [Fact]
    public void Digest_OfTwoSamplesExchanged_HasTheSameSumAndAnotherChain()
    {
        using var batch = New([1, 2, 3, 4], [7, 8]);
        using var exchanged = New([3, 4, 1, 2], [8, 7]);

        var (one, other) = (BatchHashes.Digest([0, 1], batch), BatchHashes.Digest([1, 0], exchanged));

        Assert.Equal(one.Sum, other.Sum);
        Assert.NotEqual(one.Chain, other.Chain);
        Assert.NotEqual(SampleDigest.Empty, one);
    }

    [Fact]
    public void Of_FewerSamplesThanWereAskedFor_NamesBoth()
    {
        using var batch = New([1, 2], [7]);

        Assert.Equal(
            "The data set was asked for 2 samples (10, 11) and read a batch of 1 with 1 inputs and 1 targets. Its Read must give one of each for every id, in the order of the ids.",
            Assert.Throws<DataException>(() => BatchHashes.Of([10, 11], batch)).Message);
    }

    private static Batch New(float[] inputs, long[] targets) => new(tensor(inputs, [targets.Length, inputs.Length / targets.Length]), tensor(targets), targets.Length);
}
