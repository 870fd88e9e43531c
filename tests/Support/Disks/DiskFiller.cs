namespace Orchestrator.Tests.Support;

/// <summary>A file that takes all the room there is.</summary>
internal static class DiskFiller
{
    /// <summary>Leaves no room for a byte in a new page; another file's last page may have some.</summary>
    /// <param name="path">Of the file; whoever deletes it makes the room again.</param>
    public static void Fill(string path)
    {
        // With room for one more page left, a small file such as a manifest would still fit.
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 20];
        for (var size = block.Length; size > 0;)
        {
            try
            {
                file.Write(block, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }
}
