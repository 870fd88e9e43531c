using System.Diagnostics;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>A file system in memory that is soon full. Needs root; a test without it is skipped.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    /// <param name="path">The mount point; made.</param>
    /// <param name="size">As mount writes it, such as 220k.</param>
    public static async Task<SmallDisk> MountAsync(string path, string size)
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root may mount a small disk.");
        Directory.CreateDirectory(path);
        var (exitCode, output) = await Tool.RunAsync("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", path);
        Assert.SkipUnless(exitCode == 0, $"No small disk can be mounted here: {output}");
        return new SmallDisk(path);
    }

    /// <inheritdoc cref="DiskFiller.Fill"/>
    public void Fill() => DiskFiller.Fill(Filler);

    public void Free() => File.Delete(Filler);

    private string Filler => System.IO.Path.Combine(Path, "filler");

    public void Dispose()
    {
        using var unmount = Process.Start("umount", ["--lazy", Path]);
        unmount.WaitForExit();
    }
}
