using System.Buffers.Binary;
using Orchestrator.Training.Data.Idx;

namespace Orchestrator.Training.Data.Digits;

/// <summary>Puts a drawn digits set on disk, whole or not at all.</summary>
/// <remarks>
/// The set is drawn in a folder beside the wanted one, which then gets its name. Workers that start together take turns by a lock
/// file beside it, so one draws and the others find the set; if the lock fails them (on some network file systems), both draw the
/// same bytes and one folder wins.
/// </remarks>
internal static class DigitSet
{
    /// <summary>The seed of sets that a job file's drawDigits draws: the same set for every job.</summary>
    public const long Seed = 1;

    private static readonly TimeSpan LockPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Held-out images for a number of training images.</summary>
    public static int TestCount(int trainCount) => Math.Max(DigitDrawing.Classes, trainCount / 5);

    /// <summary>Draws the set into the folder unless another worker has done so meanwhile.</summary>
    /// <exception cref="DataException">The folder cannot be written.</exception>
    public static void Provide(string dir, int trainCount)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(dir))!);
            using var turn = TakeTurn(dir.TrimEnd('/') + ".lock");
            if (IdxNames.MissingFrom(dir).Length > 0)
            {
                Write(dir, trainCount, TestCount(trainCount), Seed, null);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The digits set could not be drawn into {dir}: {e.Message} Name a folder in data.dir that can be written and has room for {Bytes(trainCount)} bytes.", e);
        }
    }

    public static void Write(string dir, int trainCount, int testCount, long seed, Action<int, int>? progress)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trainCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(testCount, 1);
        var target = Path.GetFullPath(dir).TrimEnd('/');
        var partial = $"{target}.{Environment.ProcessId}.{Guid.NewGuid():N}.partial";
        Directory.CreateDirectory(partial);
        try
        {
            var total = trainCount + testCount;
            WritePart(partial, IdxNames.TrainImages, IdxNames.TrainLabels, new DigitDrawing(seed, 0), trainCount, done => progress?.Invoke(done, total));
            WritePart(partial, IdxNames.TestImages, IdxNames.TestLabels, new DigitDrawing(seed, 1), testCount, done => progress?.Invoke(trainCount + done, total));
            Publish(partial, target);
        }
        finally
        {
            if (Directory.Exists(partial))
            {
                Directory.Delete(partial, recursive: true);
            }
        }
    }

    private static void Publish(string partial, string target)
    {
        if (!Directory.Exists(target))
        {
            try
            {
                Directory.Move(partial, target);
                return;
            }
            catch (IOException) when (Directory.Exists(target))
            {
                // Another worker's folder was there first: its files are the same bytes, and ours replace them one by one.
            }
        }

        foreach (var name in IdxNames.All)
        {
            File.Move(Path.Combine(partial, name), Path.Combine(target, name), overwrite: true);
        }
    }

    private static void WritePart(string dir, string imagesName, string labelsName, DigitDrawing drawing, int count, Action<int> progress)
    {
        using var images = new FileStream(Path.Combine(dir, imagesName), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        using var labels = new FileStream(Path.Combine(dir, labelsName), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        WriteHead(images, IdxHeader.ImagesMagic, count, DigitDrawing.Size, DigitDrawing.Size);
        WriteHead(labels, IdxHeader.LabelsMagic, count);
        var pixels = new byte[DigitDrawing.Size * DigitDrawing.Size];
        var every = Math.Max(1, count / 100);
        for (var i = 0; i < count; i++)
        {
            drawing.Draw(i, pixels);
            images.Write(pixels);
            labels.WriteByte((byte)drawing.Label(i));
            if ((i + 1) % every == 0)
            {
                progress(i + 1);
            }
        }

        images.Flush(flushToDisk: true);
        labels.Flush(flushToDisk: true);
    }

    private static void WriteHead(FileStream file, params ReadOnlySpan<int> words)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (var word in words)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes, word);
            file.Write(bytes);
        }
    }

    private static FileStream TakeTurn(string path)
    {
        var patience = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException) when (File.Exists(path) && patience.Elapsed < LockPatience)
            {
                Thread.Sleep(LockPause);
            }
        }
    }

    private static long Bytes(int trainCount) => (long)(trainCount + TestCount(trainCount)) * ((DigitDrawing.Size * DigitDrawing.Size) + 1);
}
