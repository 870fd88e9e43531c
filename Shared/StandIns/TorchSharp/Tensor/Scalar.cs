using TorchSharp.Interop;

namespace TorchSharp;

/// <summary>A number that an operator takes. Disposing it does nothing; it is here because TorchSharp's scalars have to be disposed.</summary>
public readonly struct Scalar : IDisposable, IEquatable<Scalar>
{
    internal readonly ValueTag Tag;
    internal readonly long Bits;

    private Scalar(ValueTag tag, long bits)
    {
        Tag = tag;
        Bits = bits;
    }

    public static implicit operator Scalar(byte value) => new(ValueTag.Int, value);
    public static implicit operator Scalar(sbyte value) => new(ValueTag.Int, value);
    public static implicit operator Scalar(short value) => new(ValueTag.Int, value);
    public static implicit operator Scalar(int value) => new(ValueTag.Int, value);
    public static implicit operator Scalar(long value) => new(ValueTag.Int, value);
    public static implicit operator Scalar(Half value) => (double)value;
    public static implicit operator Scalar(float value) => (double)value;
    public static implicit operator Scalar(double value) => new(ValueTag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Scalar(bool value) => new(ValueTag.Bool, value ? 1 : 0);

    public torch.ScalarType Type => Tag switch
    {
        ValueTag.Bool => torch.ScalarType.Bool,
        ValueTag.Double => torch.ScalarType.Float64,
        _ => torch.ScalarType.Int64,
    };

    internal double AsDouble => Tag == ValueTag.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    internal long AsLong => Tag == ValueTag.Double ? (long)BitConverter.Int64BitsToDouble(Bits) : Bits;

    internal bool AsBool => Tag == ValueTag.Double ? BitConverter.Int64BitsToDouble(Bits) != 0 : Bits != 0;

    internal static Scalar From(in NativeValue value) => new(value.Tag, value.Integer);

    public bool Equals(Scalar other) => Tag == other.Tag && Bits == other.Bits;

    public override bool Equals(object? obj) => obj is Scalar other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Tag, Bits);

    public override string ToString() => Tag switch
    {
        ValueTag.Double => AsDouble.ToString("R"),
        ValueTag.Bool => AsBool.ToString(),
        _ => Bits.ToString(),
    };

    public void Dispose()
    {
    }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static double ToDouble(this Scalar value) => value.AsDouble;
    public static float ToSingle(this Scalar value) => (float)value.AsDouble;
    public static long ToInt64(this Scalar value) => value.AsLong;
    public static int ToInt32(this Scalar value) => (int)value.AsLong;
    public static bool ToBoolean(this Scalar value) => value.AsBool;
}
