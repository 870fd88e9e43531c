using System.Runtime.InteropServices;

namespace Orchestrator.Storage.Files;

/// <summary>fsync of a directory, which .NET does not offer: makes created, renamed and deleted entries survive a power cut.</summary>
/// <remarks>
/// On Windows it does nothing: NTFS journals its metadata, and a rename is never seen half done. A file system that has no such
/// operation (EINVAL, ENOTSUP: some network mounts) is left to its own promises.
/// </remarks>
internal static partial class DirectorySync
{
    private const int Interrupted = 4;
    private const int Invalid = 22;
    private const int NotSupportedLinux = 95;
    private const int NotSupportedMac = 45;
    private const int CloseOnExecLinux = 0x80000;
    private const int CloseOnExecMac = 0x1000000;

    public static void Sync(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var descriptor = Open(path, OperatingSystem.IsMacOS() ? CloseOnExecMac : CloseOnExecLinux);
        if (descriptor < 0)
        {
            Fail("open", path);
        }
        try
        {
            while (Fsync(descriptor) != 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno is Invalid or NotSupportedLinux or NotSupportedMac)
                {
                    return;
                }
                if (errno != Interrupted)
                {
                    Fail("fsync", path);
                }
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static void Fail(string call, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        throw new IOException($"{call} of the folder {path}: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
