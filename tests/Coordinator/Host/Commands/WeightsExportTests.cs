using Orchestrator.Coordinator.Host.Commands;

namespace Orchestrator.Coordinator.Tests.Commands;

public sealed class WeightsExportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("export-").FullName;

    private string Destination => Path.Combine(_folder, "weights.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Copy_InterruptedBetweenTwoBlocks_LeavesNothing()
    {
        // An export that was interrupted left its .partial file behind.
        using var stop = new CancellationTokenSource();
        using var source = new ScriptedStream(reads =>
        {
            if (reads == 2)
            {
                Assert.True(File.Exists(Destination + WeightsExport.PartialSuffix));
                stop.Cancel();
            }
        });

        Assert.Throws<OperationCanceledException>(() => WeightsExport.Copy(source, Destination, stop.Token));

        Assert.Equal(2, source.Reads);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Copy_TheSourceFails_LeavesNothingAndSaysWhy()
    {
        using var source = new ScriptedStream(reads =>
        {
            if (reads == 3)
            {
                throw new IOException("The disk is gone.");
            }
        });

        Assert.Equal("The disk is gone.", Assert.Throws<IOException>(() => WeightsExport.Copy(source, Destination, CancellationToken.None)).Message);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Copy_AKilledExportLeftItsFile_ItIsWrittenOver()
    {
        File.WriteAllText(Destination + WeightsExport.PartialSuffix, new string('x', 10_000));

        WeightsExport.Copy(new MemoryStream([1, 2, 3]), Destination, CancellationToken.None);

        Assert.Equal([1, 2, 3], File.ReadAllBytes(Destination));
        Assert.Equal([Destination], Directory.GetFiles(_folder));
    }

    /// <summary>Endless; something happens at each read.</summary>
    private sealed class ScriptedStream(Action<int> onRead) : MemoryStream
    {
        public int Reads { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            onRead(++Reads);
            return buffer.Length;
        }
    }
}
