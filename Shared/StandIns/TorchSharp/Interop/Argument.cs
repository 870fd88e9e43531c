using System.Runtime.CompilerServices;
using TorchSharp.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Extensions;

/// <summary>
/// One argument of an operator call. Made by implicit conversion from what C# code has at hand; null is None. Arrays are read during
/// the call only.
/// </summary>
public readonly struct Argument
{
    internal readonly object? Reference;
    internal readonly long Bits;
    internal readonly ValueTag Tag;

    private Argument(ValueTag tag, object? reference, long bits = 0)
    {
        Tag = reference is null ? ValueTag.None : tag;
        Reference = reference;
        Bits = bits;
    }

    private Argument(ValueTag tag, long bits)
    {
        Tag = tag;
        Bits = bits;
    }

    /// <summary>An absent optional argument.</summary>
    public static Argument None => default;

    public static implicit operator Argument(Tensor? value) => new(ValueTag.Tensor, value);
    public static implicit operator Argument(Tensor?[]? value) => new(ValueTag.TensorList, value);
    public static implicit operator Argument(int value) => new(ValueTag.Int, (long)value);
    public static implicit operator Argument(long value) => new(ValueTag.Int, value);
    public static implicit operator Argument(double value) => new(ValueTag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Argument(bool value) => new(ValueTag.Bool, value ? 1 : 0);
    public static implicit operator Argument(long[]? value) => new(ValueTag.IntList, value);
    public static implicit operator Argument(double[]? value) => new(ValueTag.DoubleList, value);
    public static implicit operator Argument(bool[]? value) => new(ValueTag.BoolList, value);
    public static implicit operator Argument(string? value) => new(ValueTag.String, value);
    public static implicit operator Argument(ScalarType value) => new(ValueTag.Int, (long)value);
    public static implicit operator Argument(Device? value) => new(ValueTag.Device, value, value?.Packed ?? 0);
    public static implicit operator Argument(Generator? value) => new(ValueTag.Generator, value);
    public static implicit operator Argument(Scalar value) => new(value.Tag, value.Bits);
    public static implicit operator Argument(Scalar? value) => value is { } some ? some : None;
    public static implicit operator Argument(long? value) => value is { } some ? some : None;
    public static implicit operator Argument(double? value) => value is { } some ? some : None;
    public static implicit operator Argument(bool? value) => value is { } some ? some : None;
    public static implicit operator Argument(ScalarType? value) => value is { } some ? some : None;

    internal T Of<T>() where T : class => Unsafe.As<T>(Reference!);
}
