using System.Numerics;
using System.Runtime.InteropServices;

namespace Orchestrator.Core.Reduction;

/// <summary>Rounds fp32 to bf16, the upper half of an fp32: to the nearest, ties to even. In its long form (an fp32 whose lower half is 0) or packed in two bytes.</summary>
/// <remarks>
/// Beyond the largest bf16 lies infinity, as IEEE 754 has it; numbers below the normal ones are kept. Every NaN becomes 0x7FC0, so that its bits do not depend on the order of
/// operands. Vectors give the bits that single elements give.
/// </remarks>
public static class Bf16
{
    private const uint QuietNaN = 0x7FC0_0000;
    private const int LowerBits = 16;

    /// <summary>One element, in its long form.</summary>
    public static float Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle(float.IsNaN(value) ? QuietNaN : (bits + 0x7FFF + ((bits >> LowerBits) & 1)) & 0xFFFF_0000);
    }

    /// <summary>Each element in place, to its long form.</summary>
    public static void Round(Span<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (var i = 0; i < vectors.Length; i++)
        {
            vectors[i] = Round(vectors[i]);
        }

        for (var i = vectors.Length * Vector<float>.Count; i < values.Length; i++)
        {
            values[i] = Round(values[i]);
        }
    }

    /// <summary>Sums in fp32, rounded to their long form.</summary>
    /// <param name="left">As long as the sum.</param>
    /// <param name="right">As long as the sum.</param>
    /// <param name="sum">May be left or right itself.</param>
    public static void Add(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> sum)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var lefts = MemoryMarshal.Cast<float, Vector<float>>(left)[..sums.Length];
        var rights = MemoryMarshal.Cast<float, Vector<float>>(right)[..sums.Length];
        for (var i = 0; i < sums.Length; i++)
        {
            sums[i] = Round(lefts[i] + rights[i]);
        }

        for (var i = sums.Length * Vector<float>.Count; i < sum.Length; i++)
        {
            sum[i] = Round(left[i] + right[i]);
        }
    }

    /// <summary>The upper halves of numbers in their long form.</summary>
    /// <param name="rounded">Lower halves do not count.</param>
    /// <param name="packed">As many elements.</param>
    public static void Pack(ReadOnlySpan<float> rounded, Span<ushort> packed)
    {
        var bits = MemoryMarshal.Cast<float, uint>(rounded);
        var wide = MemoryMarshal.Cast<uint, Vector<uint>>(bits);
        var narrow = MemoryMarshal.Cast<ushort, Vector<ushort>>(packed[..bits.Length]);
        for (var i = 0; i < narrow.Length; i++)
        {
            narrow[i] = Vector.Narrow(wide[2 * i] >>> LowerBits, wide[(2 * i) + 1] >>> LowerBits);
        }

        for (var i = narrow.Length * Vector<ushort>.Count; i < bits.Length; i++)
        {
            packed[i] = (ushort)(bits[i] >> LowerBits);
        }
    }

    /// <summary>The long form of packed numbers.</summary>
    /// <param name="packed">As many elements as <paramref name="values"/>.</param>
    /// <param name="values">May hold the packed numbers in its own upper half: it is filled from its start, and never past what was read.</param>
    public static void Unpack(ReadOnlySpan<ushort> packed, Span<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var wide = MemoryMarshal.Cast<uint, Vector<uint>>(bits);
        var narrow = MemoryMarshal.Cast<ushort, Vector<ushort>>(packed[..bits.Length]);
        for (var i = 0; i < narrow.Length; i++)
        {
            Vector.Widen(narrow[i], out var low, out var high);
            wide[2 * i] = low << LowerBits;
            wide[(2 * i) + 1] = high << LowerBits;
        }

        for (var i = narrow.Length * Vector<ushort>.Count; i < bits.Length; i++)
        {
            bits[i] = (uint)packed[i] << LowerBits;
        }
    }

    private static Vector<float> Round(Vector<float> values)
    {
        var bits = Vector.AsVectorUInt32(values);
        var rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >>> LowerBits) & Vector<uint>.One)) & new Vector<uint>(0xFFFF_0000);
        return Vector.ConditionalSelect(Vector.Equals(values, values), Vector.AsVectorSingle(rounded), Vector.AsVectorSingle(new Vector<uint>(QuietNaN)));
    }
}
