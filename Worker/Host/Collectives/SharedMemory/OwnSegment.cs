using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Memory that this process alone writes and that peers on this host may map for reading.</summary>
/// <remarks>
/// Sealed: nobody, not even this process, can shorten it (a reader of a shortened file dies by SIGBUS), lengthen it or map it for writing again. Its
/// pages are allocated at once, so that a full host is an error here and no signal later. A mapping outlives its maker's death. The page behind the
/// content holds a token, by which a reader knows that a descriptor's number still means this memory.
/// </remarks>
internal sealed unsafe class OwnSegment : IDisposable
{
    private readonly nuint _mappedBytes;
    private int _isDisposed;

    /// <exception cref="IOException">The system has no such memory, or not enough.</exception>
    public OwnSegment(string name, long bytes)
    {
        if (!MemoryCalls.AreUsable)
        {
            throw new IOException("Shared memory is used on 64-bit Linux only.");
        }

        Bytes = bytes;
        Token = Guid.NewGuid();
        var contentBytes = SharedLayout.RoundToPage(bytes);
        _mappedBytes = (nuint)(contentBytes + SharedLayout.PageBytes);
        Descriptor = MemoryCalls.MemoryFile(name, MemoryCalls.CloseOnExec | MemoryCalls.AllowSealing);
        if (Descriptor < 0)
        {
            throw Failure($"Making shared memory of {bytes} bytes", Marshal.GetLastPInvokeError());
        }

        try
        {
            Check(MemoryCalls.Truncate(Descriptor, (long)_mappedBytes) == 0, "sizing");
            var error = MemoryCalls.Allocate(Descriptor, 0, (long)_mappedBytes);
            if (error != 0)
            {
                throw Failure($"Allocating shared memory of {bytes} bytes", error);
            }

            Address = MemoryCalls.Map(0, _mappedBytes, MemoryCalls.Read | MemoryCalls.Write, MemoryCalls.SharedMapping, Descriptor, 0);
            Check(Address != MemoryCalls.Failed, "mapping");
            MappedPages.Touch(Address, (long)_mappedBytes, isNew: true);
            *(Guid*)(Address + (nint)contentBytes) = Token;
            Check(MemoryCalls.Control(Descriptor, MemoryCalls.AddSeals, MemoryCalls.Sealed) == 0, "sealing");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public nint Address { get; } = MemoryCalls.Failed;

    /// <summary>Of the content.</summary>
    public long Bytes { get; }

    public int Descriptor { get; }

    public Guid Token { get; }

    public bool Holds(nint address, long bytes) => address >= Address && address + bytes <= Address + Bytes;

    /// <summary>Nothing here may read or write it any more. Peers that have mapped it keep it until they let go.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            if (Address != MemoryCalls.Failed)
            {
                _ = MemoryCalls.Unmap(Address, _mappedBytes);
            }

            _ = MemoryCalls.Close(Descriptor);
        }
    }

    private void Check(bool isGood, string doing)
    {
        if (!isGood)
        {
            throw Failure($"Shared memory of {Bytes} bytes: {doing}", Marshal.GetLastPInvokeError());
        }
    }

    private static IOException Failure(string doing, int error) => new($"{doing} failed: {new Win32Exception(error).Message} (errno {error}).");
}
