namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Maps the pages of shared memory before it is used, so that no step pays for it.</summary>
/// <remarks>
/// The system finds and clears memory page by page, which takes it as long as a step for a large gradient, and several times that on a virtual machine whose host has to find the memory first. A call that
/// maps all of it holds a lock meanwhile for which every thread waits that changes this process's memory, as allocators do: a thread that trains stood still for 0.7 s when 100 MB were mapped in one
/// call. Touching page after page takes no longer, and nobody waits.
/// </remarks>
internal static unsafe class MappedPages
{
    /// <param name="address">At a page, of a mapping whose file has all of these bytes and keeps them.</param>
    /// <param name="bytes">To the end of a page.</param>
    /// <param name="isNew">Nobody has written to it, and this process may; else it is read only.</param>
    public static void Touch(nint address, long bytes, bool isNew)
    {
        var first = (byte*)address;
        for (long offset = 0; offset < bytes; offset += SharedLayout.PageBytes)
        {
            if (isNew)
            {
                Volatile.Write(ref first[offset], 0);
            }
            else
            {
                _ = Volatile.Read(ref first[offset]);
            }
        }
    }
}
