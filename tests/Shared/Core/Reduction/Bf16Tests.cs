using Orchestrator.Core.Reduction;

namespace Orchestrator.Core.Tests.Reduction;

public sealed class Bf16Tests
{
    private static readonly uint[] LowerHalves = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF];

    [Theory]
    [InlineData(0x3F80_0000u, 0x3F80_0000u)] // 1
    [InlineData(0x3F80_7FFFu, 0x3F80_0000u)] // below the middle
    [InlineData(0x3F80_8000u, 0x3F80_0000u)] // the middle, the lower neighbour is even
    [InlineData(0x3F81_8000u, 0x3F82_0000u)] // the middle, the upper neighbour is even
    [InlineData(0x3F80_8001u, 0x3F81_0000u)] // above the middle
    [InlineData(0xBF81_8000u, 0xBF82_0000u)] // the same below zero
    [InlineData(0x3FFF_8000u, 0x4000_0000u)] // into the next power of two
    [InlineData(0x0000_0000u, 0x0000_0000u)]
    [InlineData(0x8000_0000u, 0x8000_0000u)] // -0 stays -0
    [InlineData(0x0000_0001u, 0x0000_0000u)] // the least number above 0
    [InlineData(0x0000_8000u, 0x0000_0000u)] // half of the least bf16: 0 is even
    [InlineData(0x0000_8001u, 0x0001_0000u)]
    [InlineData(0x0001_8000u, 0x0002_0000u)]
    [InlineData(0x007F_FFFFu, 0x0080_0000u)] // the largest subnormal becomes the least normal number
    [InlineData(0x7F7F_7FFFu, 0x7F7F_0000u)] // the largest finite bf16
    [InlineData(0x7F7F_8000u, 0x7F80_0000u)] // beyond it: infinity
    [InlineData(0xFF7F_FFFFu, 0xFF80_0000u)]
    [InlineData(0x7F80_0000u, 0x7F80_0000u)] // infinity
    [InlineData(0xFF80_0000u, 0xFF80_0000u)]
    [InlineData(0x7F80_0001u, 0x7FC0_0000u)] // a signalling NaN whose upper half is infinity's
    [InlineData(0x7FFF_FFFFu, 0x7FC0_0000u)] // a NaN that adding would carry past the sign
    [InlineData(0xFFC0_1234u, 0x7FC0_0000u)]
    public void Round_KnownNumbers_GoToTheNearestAndTiesToEven(uint bits, uint expected) =>
        Assert.Equal(expected, BitConverter.SingleToUInt32Bits(Bf16.Round(BitConverter.UInt32BitsToSingle(bits))));

    [Fact]
    public void Round_EveryUpperHalf_IsTheNearerNeighbourByExactArithmetic()
    {
        foreach (var value in All().Where(float.IsFinite))
        {
            var rounded = Bf16.Round(value);
            var below = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000);
            // Towards infinity by one in the upper half; 2^128 stands for infinity, which doubles can tell.
            var above = Exact(BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000) + 0x1_0000));
            var (toBelow, toAbove) = (Math.Abs(value - (double)below), Math.Abs(above - value));
            var isBelowEven = (BitConverter.SingleToUInt32Bits(value) & 0x1_0000) == 0;
            var expected = toBelow < toAbove || (toBelow == toAbove && isBelowEven) ? below : above;
            Assert.Equal(expected, Exact(rounded));
        }
    }

    [Fact]
    public void Round_Vectors_GiveTheBitsOfSingleElements()
    {
        var values = All();
        // Every beginning within a vector, and every length of the rest.
        for (var first = 0; first < 37; first++)
        {
            var rounded = values[first..];
            Bf16.Round(rounded);
            AssertSame(values[first..].Select(Bf16.Round), rounded);
        }
    }

    [Fact]
    public void Add_Vectors_GiveTheBitsOfSingleElements()
    {
        var left = All();
        var right = All();
        new Random(1).Shuffle(right);
        for (var length = left.Length - 19; length <= left.Length; length++)
        {
            var sum = left[..length];
            Bf16.Add(sum, right.AsSpan(0, length), sum);
            AssertSame(left.Take(length).Zip(right, (a, b) => Bf16.Round(a + b)), sum);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(4096)]
    public void Unpack_WhatWasPackedIntoItsOwnUpperHalf_IsTheSame(int length)
    {
        var values = All().Where((_, i) => i % 95 == 5).Take(length).Select(Bf16.Round).ToArray();
        var memory = new float[length];
        var packed = System.Runtime.InteropServices.MemoryMarshal.Cast<float, ushort>(memory.AsSpan())[length..];
        Bf16.Pack(values, packed);
        Bf16.Unpack(packed, memory);
        AssertSame(values, memory);
    }

    /// <summary>Every upper half with lower halves around the middle: all signs, exponents, NaN, infinities and subnormal numbers.</summary>
    private static float[] All() =>
        [.. Enumerable.Range(0, 0x1_0000).SelectMany(upper => LowerHalves.Select(lower => BitConverter.UInt32BitsToSingle(((uint)upper << 16) | lower)))];

    private static double Exact(float value) => float.IsInfinity(value) ? Math.CopySign(Math.Pow(2, 128), value) : value;

    private static void AssertSame(IEnumerable<float> expected, float[] actual) =>
        Assert.True(expected.Select(BitConverter.SingleToUInt32Bits).SequenceEqual(actual.Select(BitConverter.SingleToUInt32Bits)));
}
