using System.Text;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Safetensors;

public class SafetensorsRoundTripTests
{
    [Fact]
    public void Write_EveryType_ReadsBackTheSameBytesAlignedToTheirElements()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(7);
        var sources = Enum.GetValues<TensorType>().Where(type => type != TensorType.Unspecified).Select(type =>
        {
            // Three elements: an odd number of bytes for the small types, so that the next tensor's place matters.
            var bytes = new byte[3 * TensorTypes.BytesOf(type)];
            random.NextBytes(bytes);
            return (Type: type, Bytes: bytes, Source: TensorSource.From("t." + type, type, [3, 1], bytes));
        }).ToList();

        Write(folder.File("a"), sources.Select(item => item.Source));

        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Equal(sources.Count, file.Tensors.Length);
        foreach (var (type, bytes, source) in sources)
        {
            var entry = file.Get(source.Name);
            Assert.Equal(type, entry.Type);
            Assert.Equal([3, 1], entry.Shape);
            Assert.Equal(bytes, file.Bytes(entry).ToArray());
            Assert.Equal(0, entry.Offset % TensorTypes.BytesOf(type));
        }
    }

    [Fact]
    public void Write_OtherOrderOfSources_GivesTheSameFile()
    {
        TensorSource[] sources = [Sample.Floats("b", [2], 1), Sample.Floats("a", [5], 2), TensorSource.From("c", TensorType.Int64, [], new byte[8])];
        using var one = new MemoryStream();
        using var two = new MemoryStream();

        SafetensorsWriter.Write(one, sources);
        SafetensorsWriter.Write(two, sources.Reverse());

        Assert.Equal(one.ToArray(), two.ToArray());
        Assert.Equal(one.Length, SafetensorsWriter.MeasureBytes(sources));
        Assert.Equal(0, BitConverter.ToInt64(one.ToArray()) % 8);
    }

    [Fact]
    public void Write_EmptyTensorsNamesOutsideAsciiAndMetadata_AreKept()
    {
        using var folder = new TemporaryFolder();
        var metadata = new Dictionary<string, string> { ["z"] = "last \"quoted\"", ["a"] = "first" };

        Write(folder.File("a"), [Sample.Floats("gr\u00f6\u00dfe/\u7f51\u7edc", [1], 4), Sample.Floats("empty", [0, 4], 0), Sample.Floats("\uffee", [1], 5), Sample.Floats("\ud83d\ude00", [1], 6)], metadata);

        using var file = SafetensorsFile.Open(folder.File("a"));
        // U+FFEE comes before U+1F600 by code point and by UTF-8, and after it by UTF-16.
        Assert.Equal(["empty", "gr\u00f6\u00dfe/\u7f51\u7edc", "\uffee", "\ud83d\ude00"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(0, file.Get("empty").ByteCount);
        Assert.Equal(metadata.OrderBy(pair => pair.Key), file.Metadata);
        Assert.Contains("\u7f51\u7edc", File.ReadAllText(folder.File("a"), Encoding.UTF8));
    }

    [Fact]
    public void Write_NoTensors_IsASoundFile()
    {
        using var folder = new TemporaryFolder();

        Write(folder.File("a"), []);

        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Empty(file.Tensors);
    }

    [Fact]
    public void Write_SourceLargerThanAPiece_IsPulledInConsecutivePiecesOfBoundedSize()
    {
        using var folder = new TemporaryFolder();
        const int Bytes = TensorSource.PieceBytes * 2 + 12;
        var asked = new List<(long Offset, int Count)>();
        var source = TensorSource.From("big", TensorType.Float32, [Bytes / 4], (offset, destination) =>
        {
            asked.Add((offset, destination.Length));
            for (var index = 0; index < destination.Length; index++)
            {
                destination[index] = (byte)((offset + index) * 31 >> 3);
            }
        });

        Write(folder.File("a"), [source]);

        Assert.Equal([(0, TensorSource.PieceBytes), (TensorSource.PieceBytes, TensorSource.PieceBytes), (TensorSource.PieceBytes * 2, 12)], asked);
        using var file = SafetensorsFile.Open(folder.File("a"));
        var tail = new byte[20];
        file.Read(file.Get("big"), Bytes - 20, tail);
        Assert.Equal(Enumerable.Range(Bytes - 20, 20).Select(index => (byte)(index * 31 >> 3)), tail);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(file.Get("big"), Bytes - 19, tail));
    }

    [Theory]
    [InlineData("__metadata__", "keeps that name")]
    [InlineData("twice", "Two tensors are called twice")]
    public void Write_NameThatCannotBe_IsRefused(string name, string reason)
    {
        using var stream = new MemoryStream();

        var error = Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(stream, [Sample.Floats(name, [1], 0), Sample.Floats("twice", [1], 0)]));

        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void From_TooFewBytes_SaysHowManyAreNeeded()
    {
        var error = Assert.Throws<ArgumentException>(() => TensorSource.From("w", TensorType.Float64, [2, 2], new byte[31]));

        Assert.Contains("Tensor w [2, 2] of F64 needs 32 bytes; 31 were given.", error.Message);
    }

    private static void Write(string path, IEnumerable<TensorSource> sources, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = File.Create(path);
        SafetensorsWriter.Write(stream, sources, metadata);
    }
}
