using System.Security.Cryptography;
using Orchestrator.Training.Data.Digits;

namespace Orchestrator.Training.Tests.Data;

public sealed class DigitDrawingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WriteTo_FixedSeed_IsTheSameBytesOnEveryMachine()
    {
        DigitDrawing.WriteTo(_folder.Path, 500, 100, seed: 1);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal))
        {
            hash.AppendData(File.ReadAllBytes(path));
        }

        Assert.Equal("75216812545695f6925df92410bde5192faf06e5e76dd9906131f132d33c5633", Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    [Fact]
    public void WriteTo_FolderWithASet_ReplacesIt()
    {
        DigitDrawing.WriteTo(_folder.Path, 20, 10, seed: 1);
        var before = File.ReadAllBytes(Path.Combine(_folder.Path, "train-images-idx3-ubyte"));
        DigitDrawing.WriteTo(_folder.Path, 20, 10, seed: 2);
        Assert.NotEqual(before, File.ReadAllBytes(Path.Combine(_folder.Path, "train-images-idx3-ubyte")));
        Assert.Equal(4, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void WriteTo_Progress_EndsAtTheTotal()
    {
        List<(int Done, int Total)> seen = [];
        DigitDrawing.WriteTo(_folder.Path, 300, 50, seed: 1, (done, total) => seen.Add((done, total)));
        Assert.Equal((350, 350), seen[^1]);
        Assert.Equal(seen.Order(), seen);
    }

    [Fact]
    public void Label_EveryTenImages_HoldEachDigitOnce()
    {
        var drawing = new DigitDrawing(5, 0);
        for (var block = 0; block < 20; block++)
        {
            Assert.Equal(Enumerable.Range(0, 10), Enumerable.Range(10 * block, 10).Select(drawing.Label).Order());
        }
    }

    [Fact]
    public void Draw_TrainingAndHeldOutParts_ShareNoImage()
    {
        var (training, heldOut) = (new DigitDrawing(1, 0), new DigitDrawing(1, 1));
        var images = Enumerable.Range(0, 50).SelectMany(i => new[] { Image(training, i), Image(heldOut, i) });
        Assert.Equal(100, images.Distinct().Count());
    }

    [Fact]
    public void Draw_AnyOrder_GivesTheSameImage()
    {
        var (forward, backward) = (new DigitDrawing(1, 0), new DigitDrawing(1, 0));
        var first = Enumerable.Range(0, 20).Select(i => Image(forward, i)).ToArray();
        Assert.Equal(first, Enumerable.Range(0, 20).Reverse().Select(i => Image(backward, i)).Reverse());
    }

    private static string Image(DigitDrawing drawing, int index)
    {
        var pixels = new byte[DigitDrawing.Size * DigitDrawing.Size];
        drawing.Draw(index, pixels);
        return Convert.ToHexString(pixels);
    }
}
