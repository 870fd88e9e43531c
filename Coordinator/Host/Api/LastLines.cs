using System.Text;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>Reads the end of a file of lines that another thread appends to.</summary>
internal static class LastLines
{
    /// <summary>Read at a time, from the end on: about a hundred steps.</summary>
    private const int BlockBytes = 64 * 1024;

    /// <summary>Where the reading ends, whatever was asked for: 10,000 lines of 800 bytes.</summary>
    private const int MaxBytes = 8 * 1024 * 1024;

    /// <returns>At most that many whole lines, from old to new; none when there is no such file.</returns>
    public static IReadOnlyList<string> Read(string path, int count)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var (end, start) = (file.Length, file.Length);
            var bytes = Array.Empty<byte>();
            while (start > 0 && end - start < MaxBytes && bytes.AsSpan().Count((byte)'\n') <= count)
            {
                var length = (int)Math.Min(BlockBytes, start);
                var longer = new byte[length + bytes.Length];
                file.Position = start -= length;
                file.ReadExactly(longer, 0, length);
                bytes.CopyTo(longer, length);
                bytes = longer;
            }

            // What stands behind the last newline is being written; what stands before the first one may be half a line.
            var lines = Encoding.UTF8.GetString(bytes).Split('\n')[..^1];
            return [.. lines.Skip(start > 0 ? 1 : 0).TakeLast(count)];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }
}
