namespace Orchestrator.Storage.Safetensors;

/// <summary>The element types that our files hold. The name on disk is the safetensors format's, see <see cref="TensorTypes"/>.</summary>
public enum TensorType
{
    Unspecified = 0,
    Float32 = 1,
    Float64 = 2,
    Int64 = 3,
    Int32 = 4,
    UInt8 = 5,
    Bool = 6,
    BFloat16 = 7,
    Float16 = 8,
    Int16 = 9,
    Int8 = 10,
}

/// <summary>Names on disk and sizes of <see cref="TensorType"/>.</summary>
public static class TensorTypes
{
    private static readonly (TensorType Type, string Name, int Bytes)[] Table =
    [
        (TensorType.Float32, "F32", 4),
        (TensorType.Float64, "F64", 8),
        (TensorType.Int64, "I64", 8),
        (TensorType.Int32, "I32", 4),
        (TensorType.UInt8, "U8", 1),
        (TensorType.Bool, "BOOL", 1),
        (TensorType.BFloat16, "BF16", 2),
        (TensorType.Float16, "F16", 2),
        (TensorType.Int16, "I16", 2),
        (TensorType.Int8, "I8", 1),
    ];

    /// <summary>All names, for error messages.</summary>
    public static string KnownNames { get; } = string.Join(", ", Table.Select(row => row.Name));

    public static string NameOf(TensorType type) => Row(type).Name;

    /// <summary>Bytes of one element.</summary>
    public static int BytesOf(TensorType type) => Row(type).Bytes;

    public static TensorType? Find(string name)
    {
        foreach (var row in Table)
        {
            if (row.Name == name)
            {
                return row.Type;
            }
        }
        return null;
    }

    private static (TensorType Type, string Name, int Bytes) Row(TensorType type)
    {
        var index = (int)type - 1;
        return index >= 0 && index < Table.Length
            ? Table[index]
            : throw new ArgumentOutOfRangeException(nameof(type), type, $"There is no tensor type {(int)type}.");
    }
}
