using System.Globalization;
using Orchestrator.Bulk;
using static Orchestrator.Worker.Host.Collectives.SharedMemory.SharedLayout;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>The memory that one peer shares in one generation, as this member sees it: read only. Any thread.</summary>
internal sealed unsafe class PeerMemory : IDisposable
{
    private readonly Lock _gate = new();
    private readonly PeerMapping _directory;
    private readonly int _process;
    private readonly Dictionary<int, PeerMapping> _segments = [];

    /// <summary>Maps what the peer lists so far; what it lists later is mapped when it is first referred to.</summary>
    /// <param name="words">Of the peer's <see cref="SegmentDirectory.Words"/>.</param>
    /// <exception cref="IOException">It cannot be read from here.</exception>
    public PeerMemory(string words)
    {
        if (words.Split('/') is not [var process, var descriptor, var token]
            || !int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out _process)
            || !int.TryParse(descriptor, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || !Guid.TryParseExact(token, "N", out var expected))
        {
            throw new IOException($"\"{words}\" does not lead to shared memory; PROCESS/DESCRIPTOR/TOKEN was expected.");
        }

        _directory = PeerMappings.Take(_process, number, DirectoryBytes, expected);
        for (var listed = Math.Min(Volatile.Read(ref Head->Count), MostSegments); listed > 0; listed--)
        {
            try
            {
                Map(listed);
            }
            catch (IOException)
            {
                // Memory that the peer has freed meanwhile. Should it refer to it all the same, that is where it fails.
            }
        }
    }

    /// <summary>For a stream whose sender says that it shares memory.</summary>
    /// <exception cref="BulkRejectedException">It cannot be read from here.</exception>
    public static PeerMemory Open(string words)
    {
        try
        {
            return new PeerMemory(words);
        }
        catch (IOException error)
        {
            throw new BulkRejectedException(BulkStatus.FailedPrecondition, $"{error.Message} Set allReduce.transport: unix, or tcp, for workers that cannot see each other.");
        }
    }

    /// <returns>Null: it cannot be read from here.</returns>
    public static PeerMemory? TryOpen(string words)
    {
        try
        {
            return new PeerMemory(words);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>What was read before this was asked counts: the peer has not begun to overwrite it.</summary>
    public bool IsInForce
    {
        get
        {
            // The numbers are read before the word, on processors too that like it the other way round.
            Interlocked.MemoryBarrier();
            return Volatile.Read(ref Head->IsInForce) == 1;
        }
    }

    private DirectoryHead* Head => (DirectoryHead*)_directory.Address;

    /// <summary>The address of a run of bytes, which stays readable until this is disposed of.</summary>
    /// <exception cref="IOException">There is no such run.</exception>
    public nint Find(BulkReference reference)
    {
        lock (_gate)
        {
            var segment = Map(reference.Segment);
            return reference.Offset >= 0 && reference.Bytes >= 0 && reference.Offset <= segment.Bytes - reference.Bytes
                && reference.Offset % sizeof(float) == 0
                ? segment.Address + (nint)reference.Offset
                : throw new IOException($"The peer refers to {reference.Bytes} bytes at {reference.Offset} of its segment {reference.Segment}, which has {segment.Bytes}.");
        }
    }

    /// <summary>Nothing may read an address that came from here any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var segment in _segments.Values)
            {
                PeerMappings.Return(segment);
            }

            _segments.Clear();
            PeerMappings.Return(_directory);
        }
    }

    private PeerMapping Map(int number)
    {
        if (_segments.TryGetValue(number, out var known))
        {
            return known;
        }

        var count = Volatile.Read(ref Head->Count);
        if (number < 1 || number > Math.Min(count, MostSegments))
        {
            throw new IOException($"The peer refers to its segment {number}; it lists {count}.");
        }

        var entry = ((DirectoryEntry*)(Head + 1))[number - 1];
        return _segments[number] = PeerMappings.Take(_process, entry.Descriptor, entry.Bytes, entry.Token);
    }
}
