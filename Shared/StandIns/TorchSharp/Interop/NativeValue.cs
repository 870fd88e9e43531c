using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>How the payload of a <see cref="NativeValue"/> is read. The numbers are those of ot_tag in Native/orchestrator_torch.h.</summary>
internal enum ValueTag
{
    None = 0,
    Tensor = 1,
    Int = 2,
    Double = 3,
    Bool = 4,
    IntList = 5,
    DoubleList = 6,
    BoolList = 7,
    TensorList = 8,
    String = 9,
    Device = 10,
    Generator = 11,
}

/// <summary>One argument or result of an operator, as the shim's C ABI has it: 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct NativeValue
{
    [FieldOffset(0)] public ValueTag Tag;
    [FieldOffset(4)] public int Count;
    [FieldOffset(8)] public long Integer;
    [FieldOffset(8)] public double Real;
    [FieldOffset(8)] public nint Pointer;
}
