using System.Diagnostics;
using Orchestrator.Storage.Checkpoints;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Checkpoints;

/// <summary>A disk that is really full, and one that is really read-only: a small tmpfs.</summary>
public class RealDiskTests
{
    private const int DiskBytes = 1 << 20;

    [Fact]
    public void Save_DiskReallyFull_IsTypedGivesTheRoomBackAndKeepsTheLastGoodOne()
    {
        using var disk = SmallDisk.Mount(DiskBytes);
        var store = new CheckpointStore(Path.Combine(disk.Path, "checkpoints"));
        var good = store.Save(Content(1, 600_000), keep: 2);

        var error = Assert.Throws<StorageException>(() => store.Save(Content(2, 600_000), keep: 2));

        Assert.Equal(StorageFailure.DiskFull, error.Failure);
        Assert.InRange(error.BytesWanted!.Value, 600_000, 602_000);
        Assert.Contains("the disk is full", error.Message);
        Assert.Contains("bytes are free there", error.Message);
        Assert.True(CheckpointStore.Verify(good.Path).IsWhole);
        Assert.Equal(good.Path, store.FindLatest()!.Path);
        Assert.False(Directory.Exists(Path.Combine(store.Directory, "step-00000002")));
        Assert.Equal(3, store.Save(Content(3, 200_000), keep: 2).Manifest.Step);
    }

    [Fact]
    public void Save_DiskReallyReadOnly_IsAMatterOfPermission()
    {
        using var disk = SmallDisk.Mount(DiskBytes);
        var store = new CheckpointStore(disk.Path);
        var good = store.Save(Content(1, 1000), keep: 2);
        disk.Remount("ro");

        var error = Assert.Throws<StorageException>(() => store.Save(Content(2, 1000), keep: 2));

        Assert.Equal(StorageFailure.Permission, error.Failure);
        Assert.True(CheckpointStore.Verify(good.Path).IsWhole);
    }

    private static CheckpointContent Content(long step, int bytes) =>
        Sample.Content(step) with { Weights = [TensorSource.From("w", TensorType.UInt8, [bytes], new byte[bytes])] };

    private sealed class SmallDisk : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public string Path => _folder.Path;

        public static SmallDisk Mount(int bytes)
        {
            Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Mounting a tmpfs needs Linux and root.");
            var disk = new SmallDisk();
            if (!Run("mount", ["-t", "tmpfs", "-o", $"size={bytes}", "none", disk.Path], out var error))
            {
                disk._folder.Dispose();
                Assert.Skip($"This root may not mount a tmpfs: {error}");
            }
            return disk;
        }

        public void Remount(string option) => Assert.True(Run("mount", ["-o", $"remount,{option}", Path], out var error), error);

        public void Dispose()
        {
            Run("umount", [Path], out _);
            _folder.Dispose();
        }

        private static bool Run(string program, string[] arguments, out string error)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
