using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;

namespace Orchestrator.Training.Tests.Data;

public sealed class TextWindowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_WindowsAcrossFiles_AreTheCorpusCutWithoutOverlap()
    {
        // 23 bytes in three files, one of them empty; context 3 gives windows of 4: five of them, and 3 bytes left over.
        _folder.Write("a.txt", "abcde");
        _folder.Write("b.txt", "");
        _folder.Write("c.txt", "fghijklmnopqrstuvw");
        using var parts = Open(context: 3, validationShare: 0);

        Assert.Equal(5, parts.Training.Count);
        Assert.Null(parts.HeldOut);
        using var batch = parts.Training.Read([0, 1, 4], new SampleStreams(1, 0));
        Assert.Equal([3, 3], batch.Inputs.shape);
        Assert.Equal([3, 3], batch.Targets.shape);
        Assert.Equal("abcefgqrs", Text(batch.Inputs));
        Assert.Equal("bcdfghrst", Text(batch.Targets));
    }

    [Fact]
    public void Read_BothParts_TargetsEachByteAtMostOnce()
    {
        _folder.Write("a.txt", [.. Enumerable.Range(0, 250).Select(i => (byte)i)]);
        using var parts = Open(context: 4, validationShare: 0.2);
        Assert.Equal((40, 10), (parts.Training.Count, parts.HeldOut!.Count));

        var targets = Bytes(parts.Training).Concat(Bytes(parts.HeldOut)).ToArray();
        Assert.Equal(200, targets.Length);
        Assert.Equal(targets.Length, targets.Distinct().Count());
        Assert.DoesNotContain((byte)0, targets);
    }

    [Fact]
    public void Open_ShapeAndHash_AreThoseOfTheCorpus()
    {
        _folder.Write("a.txt", new string('x', 100));
        using var parts = Open(context: 8, validationShare: 0.1);
        using var again = Open(context: 8, validationShare: 0.1);
        Assert.Equal([8], parts.Shape.Input);
        Assert.Equal(256, parts.Shape.Classes);
        Assert.Equal(64, parts.Sha256.Length);
        Assert.Equal(parts.Sha256, again.Sha256);
    }

    [Fact]
    public void Open_CorpusShorterThanAWindow_SaysBothNumbers()
    {
        _folder.Write("a.txt", "short");
        var error = Assert.Throws<DataException>(() => Open(context: 128, validationShare: 0));
        Assert.Contains("has 5 bytes in 1 file(s); one sample takes 129", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OwnTask_TakesTheContextFromItsOptions()
    {
        _folder.Write("a.txt", new string('x', 100));
        var data = new TextDataSpec(["*.txt"]);
        using var parts = DataSources.Open(Jobs.With(data, task: Jobs.Task("/x.dll", "X", ("context", "9")), projectRoot: _folder.Path));
        Assert.Equal([9], parts.Shape.Input);

        var wrong = Jobs.With(data, task: Jobs.Task("/x.dll", "X", ("context", "nine")), projectRoot: _folder.Path);
        Assert.Contains("task.options.context is 'nine'", Assert.Throws<DataException>(() => DataSources.Open(wrong)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_IdPastTheEnd_IsTheCallersMistake()
    {
        _folder.Write("a.txt", new string('x', 100));
        using var parts = Open(context: 8, validationShare: 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => parts.Training.Read([parts.Training.Count], default));
    }

    private DataParts Open(int context, double validationShare) => DataSources.Open(
        Jobs.With(new TextDataSpec(["*.txt"]) { ValidationShare = validationShare }, new GptSpec { Context = context }, projectRoot: _folder.Path));

    private static IEnumerable<byte> Bytes(IDataSet part)
    {
        using var batch = part.Read([.. Enumerable.Range(0, (int)part.Count).Select(i => (long)i)], default);
        return [.. batch.Targets.data<long>().ToArray().Select(v => (byte)v)];
    }

    private static string Text(TorchSharp.torch.Tensor tensor) => new([.. tensor.data<long>().ToArray().Select(v => (char)v)]);
}
