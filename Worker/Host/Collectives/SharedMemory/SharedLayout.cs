using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>How shared memory is laid out, for the same program on the same host.</summary>
internal static class SharedLayout
{
    public const int PageBytes = 4096;

    /// <summary>Entries that a directory has room for: a worker has about two flat buffers for each level of the reduction tree.</summary>
    public const int MostSegments = 254;

    public static unsafe int DirectoryBytes => sizeof(DirectoryHead) + (MostSegments * sizeof(DirectoryEntry));

    public static long RoundToPage(long bytes) => (bytes + PageBytes - 1) / PageBytes * PageBytes;

    /// <summary>What a directory begins with.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct DirectoryHead
    {
        /// <summary>1: what the segments hold counts. 0: the generation has ended for their writer, who may overwrite them.</summary>
        public long IsInForce;

        /// <summary>Entries so far; they are never changed.</summary>
        public int Count;
    }

    /// <summary>One segment.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    public struct DirectoryEntry
    {
        public Guid Token;
        public long Bytes;
        public int Descriptor;
    }
}
