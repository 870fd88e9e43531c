using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Maps the pages of new memory before it is used, so that no step pays for it.</summary>
/// <remarks>
/// The system clears a page when it is first mapped, which takes it as long as a step for a large gradient, and several times that on a virtual machine whose host has to find the memory first.
/// Meanwhile it holds a lock for which every thread waits that changes this process's memory, as allocators do: a thread that trains stood still for 0.7 s when 100 MB were mapped in one call. So it is
/// done in parts.
/// </remarks>
internal static unsafe class MappedPages
{
    /// <summary>A part takes some 0.2 ms, and 3 ms where the host has to find the memory.</summary>
    private const int PartBytes = 1 << 20;

    // Since Linux 5.14.
    private const int ForReading = 22;
    private const int ForWriting = 23;

    private const int NotKnown = 22;

    /// <param name="address">At a page, of a mapping whose file has all of these bytes and keeps them.</param>
    /// <param name="bytes">To the end of a page.</param>
    /// <param name="isWritten">It may be written: pages are made so that the first write finds them.</param>
    public static void Fill(nint address, long bytes, bool isWritten)
    {
        for (long done = 0; done < bytes; done += PartBytes)
        {
            var part = (nuint)Math.Min(PartBytes, bytes - done);
            if (MemoryCalls.Advise(address + (nint)done, part, isWritten ? ForWriting : ForReading) != 0 && Marshal.GetLastPInvokeError() == NotKnown)
            {
                Touch((byte*)address + done, (long)part, isWritten);
            }
        }
    }

    private static void Touch(byte* first, long bytes, bool isWritten)
    {
        for (long offset = 0; offset < bytes; offset += SharedLayout.PageBytes)
        {
            var value = Volatile.Read(ref first[offset]);
            if (isWritten)
            {
                Volatile.Write(ref first[offset], value);
            }
        }
    }
}
