using System.Security.Cryptography;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Safetensors;

public class WeightsHashTests
{
    [Fact]
    public void Compute_TwoTensors_IsTheSha256OfTheDocumentedFraming()
    {
        using var framed = new MemoryStream();
        using var writer = new BinaryWriter(framed);
        writer.Write("orchestrator-weights-1\n"u8);
        writer.Write(2UL);
        writer.Write(1u);
        writer.Write("a"u8);
        writer.Write((byte)3);
        writer.Write("F32"u8);
        writer.Write(2u);
        writer.Write(1UL);
        writer.Write(2UL);
        writer.Write(8UL);
        writer.Write(1.5f);
        writer.Write(-0.0f);
        writer.Write(2u);
        writer.Write("\u00e9"u8);
        writer.Write((byte)4);
        writer.Write("BOOL"u8);
        writer.Write(0u);
        writer.Write(1UL);
        writer.Write(true);
        writer.Flush();

        var hash = WeightsHash.Compute(
            [TensorSource.From("\u00e9", TensorType.Bool, [], new byte[] { 1 }), TensorSource.From("a", [1, 2], new[] { 1.5f, -0.0f })]);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(framed.ToArray())), hash);
    }

    [Fact]
    public void Compute_OfAFile_IsThatOfItsSources()
    {
        using var folder = new TemporaryFolder();
        var content = Sample.Content(5);
        using (var stream = File.Create(folder.File("w")))
        {
            SafetensorsWriter.Write(stream, content.Weights);
        }
        using var file = SafetensorsFile.Open(folder.File("w"));

        Assert.Equal(WeightsHash.Compute(content.Weights), WeightsHash.Compute(file));
    }

    [Fact]
    public void Compute_OneDifference_ChangesTheHash()
    {
        string[] hashes =
        [
            WeightsHash.Compute([]),
            WeightsHash.Compute([Sample.Floats("a", [2, 3], 1)]),
            WeightsHash.Compute([Sample.Floats("b", [2, 3], 1)]),
            WeightsHash.Compute([Sample.Floats("a", [3, 2], 1)]),
            WeightsHash.Compute([Sample.Floats("a", [6], 1)]),
            WeightsHash.Compute([Sample.Floats("a", [2, 3], 1.0000001f)]),
            WeightsHash.Compute([TensorSource.From("a", TensorType.Int32, [2, 3], Bytes(Sample.Floats("a", [2, 3], 1)))]),
            WeightsHash.Compute([Sample.Floats("a", [2, 3], 1), Sample.Floats("c", [0], 1)]),
        ];

        Assert.Equal(hashes.Length, hashes.Distinct().Count());
    }

    private static byte[] Bytes(TensorSource source)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [source]);
        return stream.ToArray()[^(int)source.ByteCount..];
    }
}
