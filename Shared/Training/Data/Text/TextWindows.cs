// N: samples of a batch; T: tokens of a sample (model.context).
using System.Buffers;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data.Files;
using static TorchSharp.torch;

namespace Orchestrator.Training.Data.Text;

/// <summary>A corpus cut into windows of T + 1 bytes: bytes 0..T-1 are a sample's inputs, bytes 1..T its targets.</summary>
/// <remarks>
/// Window i starts at byte i x (T + 1), so windows share no byte and no byte is a target twice. The first byte of a window is
/// never a target, and up to T bytes at the end of the corpus belong to no window: the price of windows that overlap nowhere.
/// </remarks>
internal sealed class TextWindows : IDataSet
{
    /// <summary>Every byte value is a class.</summary>
    public const int Classes = 256;

    private readonly TextCorpus _corpus;
    private readonly int _context;

    private TextWindows(TextCorpus corpus, int context)
    {
        _corpus = corpus;
        _context = context;
    }

    public long Count => _corpus.Length / (_context + 1);

    /// <exception cref="DataException">Nothing matches, a file cannot be read, or the corpus is shorter than one window.</exception>
    public static DataParts Open(TextDataSpec spec, int context, string projectRoot)
    {
        var files = new FileSet(FileGlob.Match(spec.Paths, projectRoot));
        var whole = new TextWindows(new TextCorpus(files), context);
        if (whole.Count == 0)
        {
            whole.Dispose();
            throw new DataException($"The corpus of data.paths ({string.Join(", ", spec.Paths)}) has {whole._corpus.Length} bytes in {files.Count} file(s); one sample takes " +
                $"{context + 1} (a context of {context} and the byte after it). Match more files, or lower model.context.");
        }

        var split = HeldOutSplit.ByShare(whole.Count, spec.ValidationShare);
        return new DataParts(
            new SplitPart(whole, split, isHeldOut: false),
            split.HeldOut > 0 ? new SplitPart(whole, split, isHeldOut: true) : null,
            files.Sha256,
            new SampleShape([context], Classes));
    }

    public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
    {
        var window = ArrayPool<byte>.Shared.Rent(_context + 1);
        try
        {
            var inputs = new long[ids.Length * _context];
            var targets = new long[ids.Length * _context];
            for (var n = 0; n < ids.Length; n++)
            {
                _corpus.Read(ids[n] * (_context + 1), window.AsSpan(0, _context + 1));
                for (var t = 0; t < _context; t++)
                {
                    inputs[(n * _context) + t] = window[t];
                    targets[(n * _context) + t] = window[t + 1];
                }
            }

            long[] shape = [ids.Length, _context];
            return new Batch(tensor(inputs, shape), tensor(targets, shape), ids.Length); // both [N, T], int64
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }

    public void Dispose() => _corpus.Dispose();
}
