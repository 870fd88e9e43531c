using System.Runtime.InteropServices;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Memory for the copy of a state that a joiner gets: readable by it when it is on this host, ordinary memory otherwise.</summary>
internal sealed unsafe class StateMemory : IDisposable
{
    private readonly bool _isShared;
    private nint _address;

    /// <param name="bytes">Of the state.</param>
    /// <param name="isShared">A joiner on this host may read it; ordinary memory does when the system has none of that kind.</param>
    public StateMemory(long bytes, bool isShared)
    {
        Bytes = bytes;
        _address = isShared ? SharedSegments.TryAllocate(bytes) : 0;
        _isShared = _address != 0;
        if (!_isShared)
        {
            _address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            // Its pages are made here, and not on the training thread that fills them.
            NativeMemory.Clear((void*)_address, (nuint)bytes);
        }
    }

    public nint Address => _address;

    public long Bytes { get; }

    /// <summary>Nobody may read or write it here any more.</summary>
    public void Dispose()
    {
        var address = Interlocked.Exchange(ref _address, 0);
        if (address != 0 && _isShared)
        {
            SharedSegments.Free(address);
        }
        else
        {
            NativeMemory.AlignedFree((void*)address);
        }
    }
}
