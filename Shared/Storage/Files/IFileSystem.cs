namespace Orchestrator.Storage.Files;

/// <summary>The border to the file system: every call that changes something durable goes through here, so that tests can fail any one of them.</summary>
/// <remarks>Implementations throw what .NET throws (IOException, UnauthorizedAccessException); callers make it a <see cref="StorageException"/>.</remarks>
public interface IFileSystem
{
    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>The names (not paths) of a folder's files and folders, in ordinal order; empty when the folder does not exist.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Makes a new file; it is an error when one stands there.</summary>
    IFileWriter Create(string path);

    /// <summary>The bytes of a file, read-only, without loading them.</summary>
    IFileMap Map(string path);

    /// <summary>Moves a file within its folder in one atomic step; replaces what stands at the new name.</summary>
    void Rename(string from, string to);

    /// <summary>Makes one folder; its parent exists.</summary>
    void CreateDirectory(string path);

    /// <summary>Makes the folder's present entries durable (fsync of the directory).</summary>
    void SyncDirectory(string path);

    void DeleteFile(string path);

    /// <summary>Deletes an empty folder.</summary>
    void DeleteDirectory(string path);

    /// <summary>Bytes that this user can still write on the folder's file system; null when unknown.</summary>
    long? FreeBytes(string directory);

    /// <summary>Holds the file at <paramref name="path"/> exclusively until disposed or the process ends; null when another process holds it.</summary>
    IDisposable? TryLock(string path);
}

/// <summary>A new file being written from its start to its end.</summary>
public interface IFileWriter : IDisposable
{
    void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Returns when everything written is on the device (fsync).</summary>
    void Sync();
}

/// <summary>A file mapped read-only. A span is valid until the map is disposed.</summary>
public interface IFileMap : IDisposable
{
    long Length { get; }

    /// <exception cref="ArgumentOutOfRangeException">The range is not within the file.</exception>
    ReadOnlySpan<byte> Slice(long offset, int count);
}
