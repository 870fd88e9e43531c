// N: samples of a batch; H, W: height and width of an image.
using System.Buffers;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data.Digits;
using Orchestrator.Training.Data.Files;
using static TorchSharp.torch;

namespace Orchestrator.Training.Data.Idx;

/// <summary>One pair of idx files, images and their labels: inputs [N, 1, H, W] float32, targets [N] int64.</summary>
internal sealed class IdxImages : IDataSet
{
    /// <summary>Mean and deviation of MNIST's training pixels in [0, 1]; used for every idx set, so that a trained model meets the same scale.</summary>
    public const float PixelMean = 0.1307f;

    public const float PixelDeviation = 0.3081f;

    private const int LabelBlockBytes = 1 << 16;

    // What each byte becomes: (byte / 255 - mean) / deviation.
    private static readonly float[] PixelValues = [.. Enumerable.Range(0, 256).Select(b => ((b / 255f) - PixelMean) / PixelDeviation)];

    private readonly FileSet _files;
    private readonly int _imageFile;
    private readonly int _labelFile;
    private readonly IdxHeader _images;
    private readonly IdxHeader _labels;

    private IdxImages(FileSet files, int imageFile, int labelFile)
    {
        _files = files;
        (_imageFile, _labelFile) = (imageFile, labelFile);
        _images = IdxHeader.Read(files, imageFile, IdxHeader.ImagesMagic);
        _labels = IdxHeader.Read(files, labelFile, IdxHeader.LabelsMagic);
        if (Count != _labels.Dimensions[0] || Count == 0 || Height * Width == 0)
        {
            throw new DataException($"{files.PathOf(imageFile)} holds {Count} images of {Height} x {Width} pixels and {files.PathOf(labelFile)} {_labels.Dimensions[0]} labels; " +
                "as many of each, and at least one, were expected. Take both files from the same set.");
        }
    }

    public long Count => _images.Dimensions[0];

    private int Height => _images.Dimensions[1];

    private int Width => _images.Dimensions[2];

    /// <summary>Opens the four files of a folder; when they are missing, draws or fetches them first if the job file allows it.</summary>
    /// <exception cref="DataException">A file is missing, cut off or of another kind, or the pairs do not fit each other.</exception>
    public static DataParts Open(IdxDataSpec spec, MnistDownload download)
    {
        Provide(spec, download);
        var files = new FileSet(IdxNames.All.Select(name => IdxUnpacking.Plain(spec.Dir, name)));
        try
        {
            var training = new IdxImages(files, 0, 1);
            var heldOut = new IdxImages(files, 2, 3);
            if (training.Height != heldOut.Height || training.Width != heldOut.Width)
            {
                throw new DataException($"{files.PathOf(0)} has images of {training.Height} x {training.Width} pixels and {files.PathOf(2)} of {heldOut.Height} x {heldOut.Width}; " +
                    "both parts must be of one size. Take all four files from the same set.");
            }

            var classes = Math.Max(2, Math.Max(training.LargestLabel(), heldOut.LargestLabel()) + 1);
            return new DataParts(training, heldOut, files.Sha256, new SampleShape([1, training.Height, training.Width], classes));
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
    {
        var pixels = Height * Width;
        var image = ArrayPool<byte>.Shared.Rent(pixels);
        try
        {
            var inputs = new float[ids.Length * pixels];
            var targets = new long[ids.Length];
            for (var n = 0; n < ids.Length; n++)
            {
                _files.Read(_imageFile, _images.Bytes + (ids[n] * pixels), image.AsSpan(0, pixels));
                for (var i = 0; i < pixels; i++)
                {
                    inputs[(n * pixels) + i] = PixelValues[image[i]];
                }

                _files.Read(_labelFile, _labels.Bytes + ids[n], image.AsSpan(0, 1));
                targets[n] = image[0];
            }

            long[] inputShape = [ids.Length, 1, Height, Width];
            long[] targetShape = [ids.Length];
            return new Batch(tensor(inputs, inputShape), tensor(targets, targetShape), ids.Length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(image);
        }
    }

    public void Dispose() => _files.Dispose();

    private static void Provide(IdxDataSpec spec, MnistDownload download)
    {
        var missing = IdxNames.MissingFrom(spec.Dir);
        if (missing.Length == 0)
        {
            return;
        }

        // Only into a folder with none of the four: half a set of the person's own is for the person to complete.
        if (spec.DrawDigits > 0 && missing.Length == IdxNames.All.Length)
        {
            DigitSet.Provide(spec.Dir, spec.DrawDigits);
        }
        else if (spec.Download)
        {
            download.Fetch(spec.Dir, missing);
        }
        else
        {
            throw new DataException($"{spec.Dir} lacks {string.Join(", ", missing)} (plain or .gz). Put MNIST's files there, or set data.download: true to fetch them; " +
                "with data.drawDigits: 10000 a digits set is drawn into a folder that has none of the four.");
        }
    }

    private int LargestLabel()
    {
        var block = new byte[LabelBlockBytes];
        var largest = 0;
        for (long at = 0; at < Count; at += block.Length)
        {
            var labels = block.AsSpan(0, (int)Math.Min(block.Length, Count - at));
            _files.Read(_labelFile, _labels.Bytes + at, labels);
            foreach (var label in labels)
            {
                largest = Math.Max(largest, label);
            }
        }

        return largest;
    }
}
