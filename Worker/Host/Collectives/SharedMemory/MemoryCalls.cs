using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Linux's calls for memory that has a descriptor and can be sealed.</summary>
internal static unsafe partial class MemoryCalls
{
    public const uint CloseOnExec = 1;
    public const uint AllowSealing = 2;

    public const int AddSeals = 1033;
    public const int GetSeals = 1034;

    /// <summary>Seals, and may not be unsealed, shortened, lengthened or mapped for writing by anybody from now on.</summary>
    public const int Sealed = 0x1 | 0x2 | 0x4 | 0x10;

    public const int ReadOnlyAndCloseOnExec = 0x80000;
    public const int Read = 1;
    public const int Write = 2;
    public const int SharedMapping = 1;

    public const nint Failed = -1;

    public static bool AreUsable => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int descriptor, long bytes);

    /// <returns>0, or the error itself.</returns>
    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    public static partial int Allocate(int descriptor, long offset, long bytes);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int descriptor, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint bytes, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint bytes);
}
