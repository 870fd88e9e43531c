using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>A peer's segment, mapped for reading. It stays readable whatever becomes of the peer.</summary>
internal sealed unsafe class PeerMapping : IDisposable
{
    private const int FromTheEnd = 2;

    private readonly nuint _mappedBytes;

    /// <param name="process">The peer's.</param>
    /// <param name="descriptor">The segment's there.</param>
    /// <param name="bytes">Of the content.</param>
    /// <param name="token">Stands behind the content.</param>
    /// <exception cref="IOException">It is not there any more, is other memory, or is not sealed so that reading it is safe.</exception>
    public PeerMapping(int process, int descriptor, long bytes, Guid token)
    {
        (Bytes, Token) = (bytes, token);
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd/{descriptor}");
        var file = MemoryCalls.Open(path, MemoryCalls.ReadOnlyAndCloseOnExec);
        if (file < 0)
        {
            throw Failure(path, $"cannot be opened: {LastError()}");
        }

        try
        {
            // The seals first: only they make the size one that stays.
            var seals = MemoryCalls.Control(file, MemoryCalls.GetSeals, 0);
            if (seals < 0 || (seals & MemoryCalls.Sealed) != MemoryCalls.Sealed)
            {
                throw Failure(path, $"has the seals {seals}; {MemoryCalls.Sealed} were expected, without which its owner could cut it off under a reader");
            }

            var contentBytes = bytes is > 0 and < long.MaxValue / 2 ? SharedLayout.RoundToPage(bytes) : -1;
            var size = MemoryCalls.Seek(file, 0, FromTheEnd);
            if (contentBytes < 0 || size != contentBytes + SharedLayout.PageBytes)
            {
                throw Failure(path, $"has {size} bytes, which does not fit a content of {bytes}");
            }

            _mappedBytes = (nuint)size;
            Address = MemoryCalls.Map(0, _mappedBytes, MemoryCalls.Read, MemoryCalls.SharedMapping, file, 0);
            if (Address == MemoryCalls.Failed)
            {
                throw Failure(path, $"cannot be mapped: {LastError()}");
            }

            if (*(Guid*)(Address + (nint)contentBytes) != token)
            {
                Dispose();
                throw Failure(path, "is other memory than was announced");
            }

            MappedPages.Touch(Address, size, isNew: false);
        }
        finally
        {
            _ = MemoryCalls.Close(file);
        }
    }

    public nint Address { get; }

    public long Bytes { get; }

    public Guid Token { get; }

    public void Dispose() => _ = MemoryCalls.Unmap(Address, _mappedBytes);

    private static string LastError()
    {
        var error = Marshal.GetLastPInvokeError();
        return $"{new Win32Exception(error).Message} (errno {error})";
    }

    private static IOException Failure(string path, string what) => new($"The peer's shared memory {path} {what}.");
}
