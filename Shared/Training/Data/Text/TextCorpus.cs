using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Data.Text;

/// <summary>The bytes of several files as one sequence, in the order of the files, with nothing between them.</summary>
internal sealed class TextCorpus : IDisposable
{
    private readonly FileSet _files;
    private readonly long[] _starts;

    /// <summary>Takes the files over and disposes them.</summary>
    public TextCorpus(FileSet files)
    {
        _files = files;
        _starts = new long[files.Count];
        for (var i = 0; i < files.Count; i++)
        {
            _starts[i] = Length;
            Length += files.LengthOf(i);
        }
    }

    /// <summary>Bytes of all files.</summary>
    public long Length { get; }

    /// <summary>Fills the destination with the corpus from the offset on, across the ends of files.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        var at = Array.BinarySearch(_starts, offset);
        // An offset within a file: the file before the one that starts later. Of empty files that start together, any will do.
        var file = at >= 0 ? at : ~at - 1;
        while (!destination.IsEmpty)
        {
            var within = offset - _starts[file];
            var take = (int)Math.Min(destination.Length, _files.LengthOf(file) - within);
            if (take > 0)
            {
                _files.Read(file, within, destination[..take]);
                destination = destination[take..];
                offset += take;
            }

            file++;
        }
    }

    public void Dispose() => _files.Dispose();
}
