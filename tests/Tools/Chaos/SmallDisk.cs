using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools.Chaos;

/// <summary>A disk of its own for the checkpoints, in memory, that can be filled to the last byte. Needs root. Disposal takes it away with all that is on it.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int SizeMiB = 1024;

    private readonly string _filler;

    private SmallDisk(string folder) => (Folder, _filler) = (folder, Path.Combine(folder, "filler"));

    public string Folder { get; }

    /// <exception cref="ToolException">It cannot be mounted.</exception>
    public static async Task<SmallDisk> MountAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        await SystemTool.RunAsync("mount", "-t", "tmpfs", "-o", $"size={SizeMiB}m", "chaos", folder);
        return new SmallDisk(folder);
    }

    /// <summary>Leaves no room for a byte.</summary>
    public void Fill()
    {
        // With room for one more page left, a small file such as a manifest would still fit.
        using var file = new FileStream(_filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 20];
        for (var size = block.Length; size > 0;)
        {
            try
            {
                file.Write(block, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }

    public void Free() => File.Delete(_filler);

    public async ValueTask DisposeAsync()
    {
        var (code, output) = await SystemTool.TryRunAsync("umount", Folder);
        if (code != 0)
        {
            throw new ToolException($"{Folder} stays mounted: {output.Trim()} Take it away with umount {Folder}.", ExitCodes.Failed);
        }
    }
}
