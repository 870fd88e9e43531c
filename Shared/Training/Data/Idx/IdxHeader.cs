using System.Buffers.Binary;
using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Data.Idx;

/// <summary>The head of an idx file: a magic number (0, 0, type, dimensions), then each dimension as a big-endian 32-bit number.</summary>
/// <param name="Bytes">Length of the head.</param>
internal readonly record struct IdxHeader(int[] Dimensions, int Bytes)
{
    /// <summary>Unsigned bytes in three dimensions: images [N, H, W].</summary>
    public const int ImagesMagic = 0x0803;

    /// <summary>Unsigned bytes in one dimension: labels [N].</summary>
    public const int LabelsMagic = 0x0801;

    /// <summary>Reads the head and compares what it promises with the file's length.</summary>
    /// <exception cref="DataException">The file is shorter than its head, of another type, cut off, or longer than it says.</exception>
    public static IdxHeader Read(FileSet files, int file, int magic)
    {
        var path = files.PathOf(file);
        var dimensions = new int[magic & 0xFF];
        var head = new byte[4 + (4 * dimensions.Length)];
        if (files.LengthOf(file) < head.Length)
        {
            throw new DataException($"{path} has {files.LengthOf(file)} bytes; the head alone of an idx file of this kind takes {head.Length}. Get the file again.");
        }

        files.Read(file, 0, head);
        var found = BinaryPrimitives.ReadInt32BigEndian(head);
        if (found != magic)
        {
            var kind = magic == ImagesMagic ? "images" : "labels";
            throw new DataException($"{path} begins with the magic number {found}; {magic} was expected (idx, unsigned bytes, {kind}). " +
                "Check that the file is what its name says, and not a web page or a packed file without .gz.");
        }

        long values = 1;
        for (var i = 0; i < dimensions.Length; i++)
        {
            dimensions[i] = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4 + (4 * i)));
            values = dimensions[i] < 0 ? throw NegativeSize(path, dimensions[i]) : checked(values * dimensions[i]);
        }

        if (files.LengthOf(file) != head.Length + values)
        {
            var verdict = files.LengthOf(file) < head.Length + values ? "it was cut off" : "it is longer than it says";
            throw new DataException($"{path} has {files.LengthOf(file)} bytes; its head promises {string.Join(" x ", dimensions)} values, so {head.Length + values} bytes " +
                $"were expected: {verdict}. Get the file again.");
        }

        return new IdxHeader(dimensions, head.Length);
    }

    private static DataException NegativeSize(string path, int size) =>
        new($"{path} names a dimension of {size}; it must be at least 0. Get the file again.");
}
