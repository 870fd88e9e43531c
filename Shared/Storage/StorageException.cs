using System.Globalization;

namespace Orchestrator.Storage;

/// <summary>Why storage refused: decides the exit code and whether trying again can help.</summary>
public enum StorageFailure
{
    Unspecified = 0,

    /// <summary>No room, or a quota is used up.</summary>
    DiskFull = 1,

    /// <summary>The process may not read or write there, or the file system is read-only.</summary>
    Permission = 2,

    /// <summary>The path leads nowhere.</summary>
    NotFound = 3,

    /// <summary>The bytes are not what they should be: truncated, altered, or of another format.</summary>
    Corrupt = 4,

    /// <summary>Something else already stands there, and storage never overwrites it.</summary>
    Conflict = 5,

    /// <summary>Another process is writing in the same folder.</summary>
    Busy = 6,

    /// <summary>The file system failed in another way (an I/O error, a lost mount).</summary>
    Device = 7,
}

/// <summary>A failure of the environment below storage: which path, how many bytes, the cause and the cure.</summary>
public sealed class StorageException : IOException
{
    public StorageException(StorageFailure failure, string path, string problem, string cure, long? bytesWanted = null, Exception? inner = null)
        : base($"{problem} {cure}", inner)
    {
        Failure = failure;
        Path = path;
        BytesWanted = bytesWanted;
        Cure = cure;
    }

    public StorageFailure Failure { get; }

    /// <summary>The file or folder that could not be read or written.</summary>
    public string Path { get; }

    /// <summary>How many bytes the whole operation needed; null when it was not about room.</summary>
    public long? BytesWanted { get; }

    /// <summary>What the person can do; the last sentence of the message.</summary>
    public string Cure { get; }

    // errno of Linux and macOS; .NET puts it into IOException.HResult on Unix.
    private const int ReadOnlyFileSystem = 30;
    private const int NoSpace = 28;
    private const int QuotaLinux = 122;
    private const int QuotaMac = 69;

    // HRESULT of ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL.
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);

    /// <summary>Turns what .NET threw while <paramref name="action"/> into a typed failure with a cure.</summary>
    /// <param name="action">A verb phrase for the sentence: "Writing the checkpoint".</param>
    /// <param name="freeBytes">Room left on that file system, when known.</param>
    public static StorageException From(Exception cause, string action, string path, long? bytesWanted = null, long? freeBytes = null)
    {
        if (cause is StorageException known)
        {
            return known;
        }
        var failure = Classify(cause);
        var wanted = bytesWanted is { } bytes ? string.Create(CultureInfo.InvariantCulture, $" ({bytes} bytes)") : "";
        var free = freeBytes is { } room ? string.Create(CultureInfo.InvariantCulture, $" {room} bytes are free there.") : "";
        var problem = failure switch
        {
            StorageFailure.DiskFull => $"{action} {path}{wanted} failed: the disk is full or the quota is used up.{free}",
            StorageFailure.Permission => $"{action} {path}{wanted} failed: this process may not do that there.",
            StorageFailure.NotFound => $"{action} {path} failed: there is no such file or folder.",
            _ => $"{action} {path}{wanted} failed: {cause.Message.TrimEnd('.')}.",
        };
        var cure = failure switch
        {
            StorageFailure.DiskFull =>
                "Free some room, lower checkpoint.keep, or set checkpoint.dir to a larger disk; a save needs the room of one more checkpoint than are kept.",
            StorageFailure.Permission => "Give this user write access to the folder, or choose another one.",
            StorageFailure.NotFound => "Check the path, and that the disk is mounted.",
            _ => "Check the disk and its mount (dmesg tells of I/O errors), then try again.",
        };
        return new StorageException(failure, path, problem, cure, bytesWanted, cause);
    }

    private static StorageFailure Classify(Exception cause) => cause switch
    {
        UnauthorizedAccessException => StorageFailure.Permission,
        FileNotFoundException or DirectoryNotFoundException => StorageFailure.NotFound,
        IOException { HResult: NoSpace or WindowsDiskFull or WindowsHandleDiskFull } => StorageFailure.DiskFull,
        IOException { HResult: QuotaLinux } when OperatingSystem.IsLinux() => StorageFailure.DiskFull,
        IOException { HResult: QuotaMac } when OperatingSystem.IsMacOS() => StorageFailure.DiskFull,
        IOException { HResult: ReadOnlyFileSystem } => StorageFailure.Permission,
        _ => StorageFailure.Device,
    };
}
