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
            return Find(reference.Segment, reference.Offset, reference.Bytes, sizeof(float)).Address + (nint)reference.Offset;
        }
    }

    /// <summary>A run of bytes that stays readable until the loan is given back, also when this was disposed of.</summary>
    /// <param name="segment">As the peer numbers it.</param>
    /// <param name="offset">Of the first byte; a multiple of 64, as libtorch's own memory has it.</param>
    /// <param name="bytes">Its length.</param>
    /// <exception cref="IOException">There is no such run.</exception>
    public PeerLoan Lend(int segment, long offset, long bytes)
    {
        lock (_gate)
        {
            var mapping = Find(segment, offset, bytes, PeerLoan.AlignmentBytes);
            PeerMappings.Keep(mapping);
            return new PeerLoan(mapping, offset, bytes);
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

    private PeerMapping Find(int number, long offset, long bytes, int alignment)
    {
        var segment = Map(number);
        return offset >= 0 && bytes >= 0 && offset <= segment.Bytes - bytes && offset % alignment == 0
            ? segment
            : throw new IOException($"The peer refers to {bytes} bytes at {offset} of its segment {number}, which has {segment.Bytes}. A multiple of {alignment} within it was expected.");
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
