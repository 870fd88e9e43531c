using System.Text;

namespace Orchestrator.Storage.Files;

/// <summary>A small file that is either the old one or the new one, whatever happens while it is written.</summary>
public static class AtomicFile
{
    /// <summary>What a file is called until its rename; whoever finds one may delete it.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>Writes beside, fsyncs, renames over, and fsyncs the folder.</summary>
    /// <exception cref="StorageException">The folder is missing, full or not ours.</exception>
    public static void WriteText(string path, string text, IFileSystem? fileSystem = null)
    {
        var files = fileSystem ?? LocalFileSystem.Instance;
        var bytes = Encoding.UTF8.GetBytes(text);
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        try
        {
            WriteTemporary(files, full, bytes);
            files.Rename(full + TemporarySuffix, full);
            files.SyncDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(error, "Writing", full, bytes.Length, files.FreeBytes(folder));
        }
    }

    /// <summary>Writes and fsyncs <c>path.tmp</c>; the caller renames it.</summary>
    internal static void WriteTemporary(IFileSystem files, string path, ReadOnlySpan<byte> bytes)
    {
        var temporary = path + TemporarySuffix;
        if (files.FileExists(temporary))
        {
            files.DeleteFile(temporary);
        }
        using var writer = files.Create(temporary);
        writer.Write(bytes);
        writer.Sync();
    }
}
