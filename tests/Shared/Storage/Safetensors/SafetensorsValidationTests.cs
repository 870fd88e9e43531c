using System.Buffers.Binary;
using System.Text;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Safetensors;

/// <summary>Files that somebody made up: each is refused with what is wrong, and nothing is read outside the file.</summary>
public class SafetensorsValidationTests
{
    private const string Good = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    [Theory]
    [InlineData(Good, 8, null)]
    [InlineData(Good + "    ", 8, null)]
    [InlineData(Good, 4, "ends at byte 8 of 4 bytes of data: the file is truncated")]
    [InlineData(Good, 9, "1 bytes follow the last tensor")]
    [InlineData(" " + Good, 8, "does not begin with '{'")]
    [InlineData("", 0, "does not begin with '{'")]
    [InlineData("[]", 0, "does not begin with '{'")]
    [InlineData("{", 0, "not the JSON")]
    [InlineData(Good + "x", 8, "not the JSON")]
    [InlineData(Good + "{}", 8, "not the JSON")]
    [InlineData("""{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}""", 8, "tensor 'a' has the dtype 'F31'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 16, "the name 'a' stands in it twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "tensor 'b' at byte 4 of the data overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}""", 20, "leaves a hole of 4 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "its offsets are [8, 0)")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "its offsets are [-8, 0)")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,12]}}""", 12, "needs 8 bytes, but its offsets are [0, 12)")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "impossible shape [-2]")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "which is not a 63-bit integer")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", 8, "which is not a 63-bit integer")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""", 8, "needs dtype, shape and two data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "needs dtype, shape and two data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "has 'dtype' twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}}""", 8, "unknown key 'strides'")]
    [InlineData("""{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""", 8, "not the JSON")]
    [InlineData("""{"a":[]}""", 0, "not described by an object")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}""", 8, "is not a 63-bit integer")]
    [InlineData("""{"__metadata__":{"k":1}}""", 0, "__metadata__.k is not a string")]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"}}""", 0, "__metadata__.k stands in it twice")]
    [InlineData("""{"__metadata__":[]}""", 0, "__metadata__ is not an object")]
    public void Open_HeaderThatSaysThis_IsTakenOrRefusedWithTheReason(string header, int dataBytes, string? reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("x"), Frame((ulong)Encoding.UTF8.GetByteCount(header), Encoding.UTF8.GetBytes(header), dataBytes));

        if (reason is null)
        {
            using var file = SafetensorsFile.Open(folder.File("x"));
            Assert.Equal(8, file.Get("a").ByteCount);
            return;
        }
        var error = Assert.Throws<StorageException>(() => SafetensorsFile.Open(folder.File("x")));
        Assert.Equal(StorageFailure.Corrupt, error.Failure);
        Assert.Contains(reason, error.Message);
        Assert.Contains(folder.File("x"), error.Message);
    }

    [Theory]
    [InlineData(100_000_001UL, "claims 100000001 bytes; at most 100000000 are read")]
    [InlineData(ulong.MaxValue, "at most 100000000 are read")]
    [InlineData(55UL, "only 54 follow: the file is truncated")]
    public void Open_HeaderLengthThatLies_IsRefusedBeforeItIsRead(ulong claimed, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("x"), Frame(claimed, Encoding.UTF8.GetBytes(Good), 0));

        var error = Assert.Throws<StorageException>(() => SafetensorsFile.Open(folder.File("x")));

        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void Open_EveryTruncationOfASoundFile_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [Sample.Floats("a", [2], 1), Sample.Floats("b", [1], 2)]);
        var whole = stream.ToArray();

        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(folder.File("x"), whole[..length]);
            Assert.Equal(StorageFailure.Corrupt, Assert.Throws<StorageException>(() => SafetensorsFile.Open(folder.File("x"))).Failure);
        }
    }

    [Fact]
    public void Open_NameThatIsNotUtf8_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var header = Encoding.Latin1.GetBytes(Good.Replace("\"a\"", "\"\u00ff\"", StringComparison.Ordinal));
        File.WriteAllBytes(folder.File("x"), Frame((ulong)header.Length, header, 8));

        var error = Assert.Throws<StorageException>(() => SafetensorsFile.Open(folder.File("x")));

        Assert.Contains("not the JSON", error.Message);
    }

    [Fact]
    public void Open_NoSuchFile_IsNotFoundWithItsPath()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<StorageException>(() => SafetensorsFile.Open(folder.File("none")));

        Assert.Equal((StorageFailure.NotFound, folder.File("none")), (error.Failure, error.Path));
    }

    [Fact]
    public void Get_NameThatIsNotThere_SaysWhichAre()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("x"), Frame((ulong)Good.Length, Encoding.UTF8.GetBytes(Good), 8));
        using var file = SafetensorsFile.Open(folder.File("x"));

        var error = Assert.Throws<StorageException>(() => file.Get("b"));

        Assert.Contains("has no tensor 'b'; it has 1: a.", error.Message);
    }

    private static byte[] Frame(ulong claimed, byte[] header, int dataBytes)
    {
        var bytes = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, claimed);
        header.CopyTo(bytes, 8);
        return bytes;
    }
}
