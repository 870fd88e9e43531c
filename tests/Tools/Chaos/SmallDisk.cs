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

    /// <inheritdoc cref="DiskFiller.Fill"/>
    public void Fill() => DiskFiller.Fill(_filler);

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
