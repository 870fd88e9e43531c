using System.Runtime.InteropServices;

namespace Orchestrator.Bulk.Wires;

/// <summary>A run of bytes for a vectored call. Its layout is that of the kernel's iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoSlice(byte* address, nuint bytes)
{
    public byte* Address = address;
    public nuint Bytes = bytes;

    /// <summary>Takes sent bytes off the front of slices.</summary>
    /// <returns>The count of slices that are wholly sent; the next one is cut.</returns>
    public static int Advance(IoSlice* slices, int count, long sent)
    {
        var whole = 0;
        for (; whole < count && (nuint)sent >= slices[whole].Bytes; whole++)
        {
            sent -= (long)slices[whole].Bytes;
        }

        if (whole < count)
        {
            slices[whole].Address += sent;
            slices[whole].Bytes -= (nuint)sent;
        }

        return whole;
    }
}
