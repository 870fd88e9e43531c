using Orchestrator.Core.Reduction;
using Orchestrator.Training.Replicas;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Replicas;

/// <summary>With bf16 every leaf and every sum is rounded, once, whatever part of the buffer becomes final when; the loss and the statistics are not.</summary>
public sealed class PartialSetTests : IDisposable
{
    private readonly FlatLayout _layout = new([("weight", [5, 7]), ("bias", [41])], (_, shape) => shape.Length > 1, [("mean", [3])]);
    private readonly FlatBufferPool _pool;

    public PartialSetTests() => _pool = new FlatBufferPool(_layout, CPU, 32);

    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(8)]
    public void Merge_WithRounding_IsTheRoundedSumAlongTheTree(int logicalRanks)
    {
        var tree = new ReductionTree(logicalRanks);
        var set = new PartialSet(tree, _pool, _layout.ParameterOffset);
        foreach (var rank in Enumerable.Range(0, logicalRanks))
        {
            var buffer = _pool.Rent();
            Leaf(rank).CopyTo(Values(buffer));
            set.Add(rank, buffer);
            foreach (var bucket in _layout.Buckets(64, isHeadApart: true))
            {
                set.Merge(bucket.Offset, bucket.Count);
            }

            set.Complete();
        }

        Assert.Equal(Sum(tree.Root).Select(BitConverter.SingleToUInt32Bits), Values(Assert.Single(set.Partials).Buffer).ToArray().Select(BitConverter.SingleToUInt32Bits));
        set.Clear();
    }

    [Fact]
    public void RoundOnDevice_AnyNumber_HasTheBitsOfTheProcessor()
    {
        var (here, there) = (_pool.Rent(), _pool.Rent());
        float[] special = [float.NaN, -float.NaN, float.PositiveInfinity, float.MaxValue, -float.MaxValue, float.Epsilon, -0f, 1.00390625f, 1.01171875f];
        Leaf(3).CopyTo(Values(here));
        special.CopyTo(Values(here));
        Values(here).CopyTo(Values(there));
        NodeSums.Round(here, 0, _layout.ElementCount);
        NodeSums.RoundOnDevice(there, 0, _layout.ElementCount);
        Assert.Equal(Values(here).ToArray().Select(BitConverter.SingleToUInt32Bits), Values(there).ToArray().Select(BitConverter.SingleToUInt32Bits));
        _pool.Return(here);
        _pool.Return(there);
    }

    [Fact]
    public void Buckets_HeadApart_CoverTheBufferOnceAndNoneHoldsBoth()
    {
        foreach (var bytes in (int[])[1, 64, 1 << 20])
        {
            var buckets = _layout.Buckets(bytes, isHeadApart: true);
            Assert.Equal(_layout.ElementCount, buckets.Sum(bucket => bucket.Count));
            Assert.Equal(buckets.OrderByDescending(bucket => bucket.Offset), buckets);
            Assert.All(buckets, bucket => Assert.True(bucket.Offset >= _layout.ParameterOffset || bucket.Offset + bucket.Count <= _layout.ParameterOffset));
            Assert.Equal(Enumerable.Range(0, 2), buckets.SelectMany(bucket => bucket.Parameters).Order());
        }
    }

    private float[] Sum(TreeNode node)
    {
        var values = node.IsLeaf ? Leaf(node.First) : [.. Sum(node.Left).Zip(Sum(node.Right), (a, b) => a + b)];
        return [.. values.Select((value, i) => i < _layout.ParameterOffset ? value : Bf16.Round(value))];
    }

    private float[] Leaf(int rank)
    {
        var random = new Random(rank);
        return [.. Enumerable.Range(0, (int)_layout.ElementCount).Select(_ => (random.NextSingle() - 0.5f) * MathF.Pow(10, random.Next(-4, 5)))];
    }

    private static Span<float> Values(FlatBuffer buffer) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(buffer.Whole.bytes);
}
