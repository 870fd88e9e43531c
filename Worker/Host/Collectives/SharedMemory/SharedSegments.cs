using System.Collections.Immutable;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>This process's shared memory by address. Any thread.</summary>
internal static class SharedSegments
{
    private static ImmutableArray<OwnSegment> s_segments = [];

    public static IReadOnlyList<OwnSegment> All => s_segments;

    /// <summary>Memory of zeros for peers on this host to read; it is freed by <see cref="Free"/>.</summary>
    /// <returns>Its address, at a page; zero when the system has none to give, and ordinary memory has to do.</returns>
    public static nint TryAllocate(long bytes)
    {
        try
        {
            var segment = new OwnSegment("orchestrator-gradient", bytes);
            ImmutableInterlocked.Update(ref s_segments, all => all.Add(segment));
            return segment.Address;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public static void Free(nint address)
    {
        if (s_segments.FirstOrDefault(segment => segment.Address == address) is { } freed)
        {
            ImmutableInterlocked.Update(ref s_segments, all => all.Remove(freed));
            freed.Dispose();
        }
    }

    /// <summary>The segment in which a run of bytes lies whole; null: it is ordinary memory.</summary>
    public static OwnSegment? Find(nint address, long bytes)
    {
        foreach (var segment in s_segments)
        {
            if (segment.Holds(address, bytes))
            {
                return segment;
            }
        }

        return null;
    }
}
