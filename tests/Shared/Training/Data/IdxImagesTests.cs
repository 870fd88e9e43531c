using System.IO.Compression;
using System.Net;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Training.Data.Idx;

namespace Orchestrator.Training.Tests.Data;

public sealed class IdxImagesTests : IDisposable
{
    private const string TrainImages = "train-images-idx3-ubyte", TrainLabels = "train-labels-idx1-ubyte";
    private const string TestImages = "t10k-images-idx3-ubyte", TestLabels = "t10k-labels-idx1-ubyte";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_TwoByThreeImages_AreScaledAndLabelled()
    {
        WriteSet();
        using var parts = Open();

        Assert.Equal((3, 2), (parts.Training.Count, parts.HeldOut!.Count));
        Assert.Equal([1, 2, 3], parts.Shape.Input);
        Assert.Equal(8, parts.Shape.Classes);
        using var batch = parts.Training.Read([2, 0], default);
        Assert.Equal([2, 1, 2, 3], batch.Inputs.shape);
        Assert.Equal([7L, 5L], batch.Targets.data<long>().ToArray());
        var expected = new[] { 12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5 }.Select(b => ((b / 255f) - 0.1307f) / 0.3081f);
        Assert.Equal(expected, batch.Inputs.data<float>().ToArray());
    }

    [Fact]
    public void Open_PackedFiles_AreUnpackedOnceWithTheHashOfThePlainOnes()
    {
        WriteSet();
        string plain;
        using (var parts = Open())
        {
            plain = parts.Sha256;
        }

        foreach (var name in new[] { TrainImages, TestLabels })
        {
            Pack(name);
        }

        using (var parts = Open())
        {
            Assert.Equal(plain, parts.Sha256);
        }

        Assert.Empty(Directory.GetFiles(_folder.Path, "*.partial"));
        File.Delete(At(TrainImages) + ".gz");
        using var again = Open();
        Assert.Equal(plain, again.Sha256);
    }

    [Fact]
    public void Open_DamagedGzip_NamesIt()
    {
        WriteSet();
        File.Delete(At(TrainImages));
        _folder.Write(TrainImages + ".gz", "no gzip file at all");
        Assert.Contains($"{At(TrainImages)}.gz is damaged", Complaint(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingFiles_NamesEachAndTheCures()
    {
        WriteSet();
        File.Delete(At(TestLabels));
        File.Delete(At(TestImages));
        var complaint = Complaint();
        Assert.Contains($"{_folder.Path} lacks {TestImages}, {TestLabels}", complaint, StringComparison.Ordinal);
        Assert.Contains("data.download: true", complaint, StringComparison.Ordinal);
        Assert.Contains("data.drawDigits", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TruncatedImages_SaysBothSizes()
    {
        WriteSet();
        File.WriteAllBytes(At(TrainImages), File.ReadAllBytes(At(TrainImages))[..^4]);
        Assert.Contains($"{At(TrainImages)} has 30 bytes; its head promises 3 x 2 x 3 values, so 34 bytes were expected: it was cut off", Complaint(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileWithoutAWholeHead_SaysBothSizes()
    {
        WriteSet();
        _folder.Write(TrainLabels, [0, 0, 8]);
        Assert.Contains("has 3 bytes; the head alone of an idx file of this kind takes 8", Complaint(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WrongMagic_SaysBothNumbers()
    {
        WriteSet();
        File.Copy(At(TrainLabels), At(TrainImages), overwrite: true);
        File.AppendAllText(At(TrainImages), new string(' ', 8));
        Assert.Contains($"{At(TrainImages)} begins with the magic number 2049; 2051 was expected", Complaint(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FewerLabelsThanImages_SaysBothCounts()
    {
        WriteSet();
        _folder.Write(TrainLabels, Idx([2], [1, 2]));
        Assert.Contains("holds 3 images of 2 x 3 pixels and", Complaint(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_DrawDigitsIntoAMissingFolder_DrawsTheSetOnce()
    {
        var dir = At("sub/digits");
        var spec = new IdxDataSpec(dir) { DrawDigits = 40 };
        using var parts = IdxImages.Open(spec, new MnistDownload());
        Assert.Equal((40, 10), (parts.Training.Count, parts.HeldOut!.Count));
        Assert.Equal([1, 28, 28], parts.Shape.Input);
        Assert.Equal(10, parts.Shape.Classes);

        var written = File.GetLastWriteTimeUtc(Path.Combine(dir, TrainImages));
        using var again = IdxImages.Open(spec, new MnistDownload());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(dir, TrainImages)));
        Assert.Equal([dir], Directory.GetFileSystemEntries(At("sub")));
    }

    [Fact]
    public async Task Open_DrawDigitsFromManyWorkersAtOnce_GivesOneWholeSet()
    {
        var spec = new IdxDataSpec(At("digits")) { DrawDigits = 200 };
        var hashes = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() =>
        {
            using var parts = IdxImages.Open(spec, new MnistDownload());
            return parts.Sha256;
        })));
        Assert.Single(hashes.Distinct());
        Assert.Equal(4, Directory.GetFiles(spec.Dir).Length);
    }

    [Fact]
    public void Open_DrawDigitsOverHalfASet_LeavesThePersonsFilesAlone()
    {
        WriteSet();
        File.Delete(At(TestLabels));
        var error = Assert.Throws<DataException>(() => IdxImages.Open(new IdxDataSpec(_folder.Path) { DrawDigits = 10 }, new MnistDownload()));
        Assert.Contains($"lacks {TestLabels}", error.Message, StringComparison.Ordinal);
        Assert.Equal(34, new FileInfo(At(TrainImages)).Length);
    }

    [Fact]
    public void Open_DownloadWithoutANetwork_SaysWhatToPutWhere()
    {
        var error = Download(_ => throw new HttpRequestException("Name or service not known"));
        Assert.StartsWith("train-images-idx3-ubyte.gz, SHA-256 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609, could not be fetched", error, StringComparison.Ordinal);
        Assert.Contains($"t10k-labels-idx1-ubyte.gz (4542 bytes) into {_folder.Path}", error, StringComparison.Ordinal);
        Assert.Contains("Name or service not known", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_DownloadOfOtherBytes_IsRefusedByHashAndLeavesNothing()
    {
        var error = Download(_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("a login page") });
        Assert.Contains("gave 12 bytes with SHA-256", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private string Download(Func<HttpRequestMessage, HttpResponseMessage> answer)
    {
        using var transport = new FakeTransport(answer);
        return Assert.Throws<DataException>(() => IdxImages.Open(new IdxDataSpec(_folder.Path) { Download = true }, new MnistDownload(transport))).Message;
    }

    private string At(string name) => Path.Combine(_folder.Path, name);

    private string Complaint() => Assert.Throws<DataException>(Open).Message;

    private DataParts Open() => DataSources.Open(Jobs.With(new IdxDataSpec(_folder.Path)));

    // Three training images of 2 x 3 pixels counted up from 0, two held-out ones.
    private void WriteSet()
    {
        _folder.Write(TrainImages, Idx([3, 2, 3], [.. Enumerable.Range(0, 18).Select(i => (byte)i)]));
        _folder.Write(TrainLabels, Idx([3], [5, 0, 7]));
        _folder.Write(TestImages, Idx([2, 2, 3], new byte[12]));
        _folder.Write(TestLabels, Idx([2], [1, 2]));
    }

    private static byte[] Idx(byte[] dimensions, byte[] values) => [0, 0, 8, (byte)dimensions.Length, .. dimensions.SelectMany(d => new byte[] { 0, 0, 0, d }), .. values];

    private void Pack(string name)
    {
        using (var gz = new GZipStream(File.Create(At(name) + ".gz"), CompressionLevel.Fastest))
        {
            gz.Write(File.ReadAllBytes(At(name)));
        }

        File.Delete(At(name));
    }

    private sealed class FakeTransport(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) => answer(request);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(answer(request));
    }
}
