namespace Orchestrator.Telemetry.Events;

/// <summary>A file to which whole lines are appended: what a full disk takes in part only is cut off again.</summary>
/// <remarks>
/// A line is one write: whoever kills the process tears at most the last line, which readers ignore and the next writer cuts off. It is not
/// fsynced: after a power cut the end may be missing. One process writes. Thread-safe.
/// </remarks>
public sealed class LineFile : IDisposable
{
    // A tail is searched back in blocks of this size for the last newline.
    private const int BlockBytes = 4096;

    private readonly Lock _lock = new();
    private readonly FileStream _file;

    private LineFile(FileStream file) => _file = file;

    /// <summary>Opens for appending; makes the file when it is missing, and cuts off a torn last line.</summary>
    /// <param name="path">In a folder that is there.</param>
    /// <param name="mayWrite">Asked when the file is open and nothing of it is changed yet: one that was frozen may have opened what took its file's place. Null: always.</param>
    /// <exception cref="IOException">The folder is missing, the file cannot be written, or it may not be.</exception>
    public static LineFile Open(string path, Func<bool>? mayWrite = null)
    {
        // Without a buffer: nothing is left to be written when it is disposed.
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        try
        {
            if (mayWrite?.Invoke() == false)
            {
                throw new IOException($"{path} may not be written any more: another process does that now.");
            }

            file.SetLength(EndOfLastLine(file));
            file.Seek(0, SeekOrigin.End);
            return new LineFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <param name="line">With its newline.</param>
    /// <exception cref="IOException">It was not written, and nothing of it is in the file.</exception>
    public void Append(ReadOnlySpan<byte> line)
    {
        lock (_lock)
        {
            var start = _file.Position;
            try
            {
                _file.Write(line);
            }
            catch (IOException)
            {
                _file.SetLength(start);
                _file.Seek(start, SeekOrigin.Begin);
                throw;
            }
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>The offset behind the last newline; 0 when there is none.</summary>
    internal static long EndOfLastLine(FileStream file)
    {
        var block = new byte[BlockBytes];
        for (var end = file.Length; end > 0;)
        {
            var start = Math.Max(0, end - BlockBytes);
            var span = block.AsSpan(0, (int)(end - start));
            file.Seek(start, SeekOrigin.Begin);
            file.ReadExactly(span);
            if (span.LastIndexOf((byte)'\n') is var index and >= 0)
            {
                return start + index + 1;
            }
            end = start;
        }
        return 0;
    }
}
