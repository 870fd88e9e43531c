namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Mappings of peers' segments by segment, so that generations and feeds that overlap read one mapping: mapping the memory of a large model takes tens of milliseconds. Any thread.</summary>
internal static class PeerMappings
{
    private static readonly Dictionary<(Guid Token, long Bytes), Shared> s_shared = [];

    /// <summary>The segment's mapping, which the caller gives back by <see cref="Return"/>. Others who want one wait while it is made.</summary>
    /// <param name="process">The peer's.</param>
    /// <param name="descriptor">The segment's there.</param>
    /// <param name="bytes">Of the content.</param>
    /// <param name="token">Stands behind the content.</param>
    /// <exception cref="IOException">It cannot be mapped.</exception>
    public static PeerMapping Take(int process, int descriptor, long bytes, Guid token)
    {
        lock (s_shared)
        {
            if (s_shared.TryGetValue((token, bytes), out var known))
            {
                known.Users++;
                return known.Mapping;
            }

            var mapping = new PeerMapping(process, descriptor, bytes, token);
            s_shared[(token, bytes)] = new Shared(mapping) { Users = 1 };
            return mapping;
        }
    }

    /// <summary>One more user of a mapping that is in use, who gives it back by <see cref="Return"/> too.</summary>
    public static void Keep(PeerMapping mapping)
    {
        lock (s_shared)
        {
            s_shared[(mapping.Token, mapping.Bytes)].Users++;
        }
    }

    /// <summary>The caller reads it no more; it goes with its last user.</summary>
    public static void Return(PeerMapping mapping)
    {
        lock (s_shared)
        {
            var key = (mapping.Token, mapping.Bytes);
            if (--s_shared[key].Users > 0)
            {
                return;
            }

            s_shared.Remove(key);
        }

        mapping.Dispose();
    }

    private sealed class Shared(PeerMapping mapping)
    {
        public PeerMapping Mapping => mapping;

        public int Users { get; set; }
    }
}
