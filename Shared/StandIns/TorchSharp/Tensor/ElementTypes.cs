namespace TorchSharp;

/// <summary>Which C# type holds an element of which tensor type.</summary>
internal static class ElementTypes
{
    internal static torch.ScalarType Of<T>() where T : unmanaged => default(T) switch
    {
        float => torch.ScalarType.Float32,
        double => torch.ScalarType.Float64,
        long => torch.ScalarType.Int64,
        int => torch.ScalarType.Int32,
        short => torch.ScalarType.Int16,
        sbyte => torch.ScalarType.Int8,
        byte => torch.ScalarType.Byte,
        bool => torch.ScalarType.Bool,
        Half => torch.ScalarType.Float16,
        _ => throw new ArgumentException($"A tensor has no elements of type {typeof(T).Name}. Use float, double, Half, long, int, short, sbyte, byte or bool."),
    };

    internal static void Check<T>(torch.ScalarType dtype) where T : unmanaged
    {
        // A bfloat16 has no C# type of its own; its bits are read as ushort.
        if (dtype == torch.ScalarType.BFloat16 && typeof(T) == typeof(ushort))
        {
            return;
        }
        if (dtype == torch.ScalarType.BFloat16 || Of<T>() != dtype)
        {
            throw new ArgumentException($"{typeof(T).Name} is not compatible with {dtype}, the tensor's element type. Convert it with to_type() first.");
        }
    }
}
