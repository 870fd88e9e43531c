using System.Globalization;
using Orchestrator.Bulk;
using static Orchestrator.Worker.Host.Collectives.SharedMemory.SharedLayout;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>The list of this worker's shared memory that peers of one generation read, and the word by which it is taken back.</summary>
/// <remarks>
/// The list is shared memory itself. What a peer has read counts only when the word still stands after the reading: a member that froze, and thaws
/// when the others have gone on to the next generation, must not take half-overwritten numbers for a sum.
/// </remarks>
internal sealed unsafe class SegmentDirectory : IDisposable
{
    private readonly Lock _gate = new();
    private readonly OwnSegment _own = new("orchestrator-directory", DirectoryBytes);
    private readonly Dictionary<OwnSegment, int> _places = [];
    private bool _isDisposed;

    /// <exception cref="IOException">The system has no such memory.</exception>
    public SegmentDirectory() => Volatile.Write(ref Head->IsInForce, 1);

    /// <summary>What a peer needs to find it: <c>PROCESS/DESCRIPTOR/TOKEN</c>.</summary>
    public string Words => string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}/{_own.Descriptor}/{_own.Token:N}");

    private DirectoryHead* Head => (DirectoryHead*)_own.Address;

    /// <param name="listsAll">What this process shares so far is listed at once, so that peers map it before they need it; else what is referred to.</param>
    /// <returns>Null: the system has no such memory, and payloads travel.</returns>
    public static SegmentDirectory? TryMake(bool listsAll = false)
    {
        try
        {
            var directory = new SegmentDirectory();
            if (listsAll)
            {
                directory.ListAll();
            }

            return directory;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>How peers find a run of bytes.</summary>
    /// <returns>Default: they cannot, and it has to travel.</returns>
    public BulkReference Refer(nint address, int bytes)
    {
        lock (_gate)
        {
            return !_isDisposed && bytes > 0 && SharedSegments.Find(address, bytes) is { } segment && PlaceOf(segment) is var place and > 0
                ? new BulkReference(place, address - segment.Address, bytes)
                : default;
        }
    }

    /// <summary>Peers may not use what they read from now on. Called BEFORE any of it is overwritten for another generation.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                Volatile.Write(ref Head->IsInForce, 0);
                Interlocked.MemoryBarrier();
                _own.Dispose();
            }
        }
    }

    private void ListAll()
    {
        lock (_gate)
        {
            foreach (var segment in SharedSegments.All)
            {
                PlaceOf(segment);
            }
        }
    }

    private int PlaceOf(OwnSegment segment)
    {
        if (_places.TryGetValue(segment, out var known))
        {
            return known;
        }

        if (Head->Count == MostSegments)
        {
            return 0;
        }

        var entry = (DirectoryEntry*)(Head + 1) + Head->Count;
        *entry = new DirectoryEntry { Token = segment.Token, Bytes = segment.Bytes, Descriptor = segment.Descriptor };
        Volatile.Write(ref Head->Count, Head->Count + 1);
        return _places[segment] = Head->Count;
    }
}
