using Orchestrator.Storage.Checkpoints;
using Orchestrator.Storage.Tests.Files;

namespace Orchestrator.Storage.Tests.Checkpoints;

/// <summary>Killed at any byte, or the power cut at any moment: there is always a whole checkpoint, and nothing but whole ones is listed.</summary>
public class CrashTests
{
    private const string Folder = "/run/checkpoints";
    private const int RandomCutsPerPoint = 4;

    // keep: 1 makes every save also delete the former checkpoint, so that the deletion is cut short at every point as well.
    private const int Keep = 1;

    [Fact]
    public void Save_KilledAtEveryByteAndCall_LeavesAWholeCheckpointAndNoListedDebris()
    {
        var units = UnitsOfOneSave();
        var committed = 0;
        for (long unit = 0; unit < units; unit++)
        {
            var files = KilledAt(unit);
            var survivors = CheckAfterCrash(files.AfterKill(), $"kill after {unit} of {units} units");
            committed += survivors.Contains(20) ? 1 : 0;
        }
        // The planned faults happened on both sides of the commit.
        Assert.InRange(committed, 5, units - 1000);
    }

    [Fact]
    public void Save_PowerCutAtEveryByteAndCall_LeavesAWholeCheckpointAndNoListedDebris()
    {
        var units = UnitsOfOneSave();
        for (long unit = 0; unit < units; unit++)
        {
            var files = KilledAt(unit);
            CheckAfterCrash(files.AfterPowerCut(null), $"power cut after {unit} of {units} units, only the fsynced survives");
            for (var seed = 0; seed < RandomCutsPerPoint; seed++)
            {
                CheckAfterCrash(files.AfterPowerCut(new Random(seed + 1000 * (int)unit)), $"power cut after {unit} of {units} units, seed {seed}");
            }
        }
    }

    [Fact]
    public void Save_Returned_SurvivesAnyPowerCut()
    {
        for (var seed = -1; seed < 50; seed++)
        {
            var files = WithCheckpoint10();
            new CheckpointStore(Folder, files).Save(Sample.Content(20), Keep);

            var survivors = CheckAfterCrash(files.AfterPowerCut(seed < 0 ? null : new Random(seed)), $"seed {seed}");

            Assert.Contains(20, survivors);
        }
    }

    [Theory]
    [InlineData(28, StorageFailure.DiskFull)]
    [InlineData(5, StorageFailure.Device)]
    [InlineData(30, StorageFailure.Permission)]
    public void Save_EveryCallFailsOnce_IsTypedAndTheNextSaveSucceeds(int errno, StorageFailure expected)
    {
        var calls = CallsOfOneSave();
        Assert.Contains("rename", calls);
        for (var failing = 0; failing < calls.Count; failing++)
        {
            var files = WithCheckpoint10();
            var count = 0;
            files.BeforeCall = call =>
            {
                if (count++ == failing)
                {
                    throw new IOException($"call {failing} ({call}) fails", errno);
                }
            };
            var store = new CheckpointStore(Folder, files);
            try
            {
                var result = store.Save(Sample.Content(20), Keep);
                // Only the deletion of the old one may fail without failing the save, and then it is said.
                Assert.True(result.RetentionProblem is not null, $"call {failing} ({calls[failing]}) failed in silence");
            }
            catch (StorageException error)
            {
                Assert.Equal(expected, error.Failure);
                Assert.Contains("step-00000020", error.Path);
                Assert.True(error.BytesWanted > 100);
            }
            Assert.True(count > failing, "the planned fault did not happen");
            CheckAfterCrash(files.AfterKill(), $"call {failing} ({calls[failing]}) failed");
            store.Save(Sample.Content(20), Keep);
            Assert.True(CheckpointStore.Verify(store.FindLatest()!.Path, files).IsWhole);
            Assert.Equal(20, store.FindLatest()!.Step);
        }
    }

    [Fact]
    public void Save_DiskFull_SaysPathBytesAndCure()
    {
        var files = WithCheckpoint10();
        files.BeforeCall = call => _ = call == "write" ? throw new IOException("No space left on device", 28) : 0;

        var error = Assert.Throws<StorageException>(() => new CheckpointStore(Folder, files).Save(Sample.Content(20), Keep));

        Assert.Equal(
            $"Writing the checkpoint {Folder}/step-00000020 ({error.BytesWanted} bytes) failed: the disk is full or the quota is used up. 12345 bytes are free there. "
            + "Free some room, lower checkpoint.keep, or set checkpoint.dir to a larger disk; a save needs the room of one more checkpoint than are kept.", error.Message);
        // The part that was written is gone again.
        Assert.Equal(["step-00000010"], files.List(Folder));
    }

    /// <summary>The invariant. Returns the steps that are left.</summary>
    private static HashSet<long> CheckAfterCrash(CrashingFileSystem files, string circumstance)
    {
        var store = new CheckpointStore(Folder, files);
        var listed = store.List();
        Assert.True(listed.Length > 0, $"{circumstance}: no checkpoint is left");
        foreach (var listing in listed)
        {
            var verification = CheckpointStore.Verify(listing.Path, files);
            Assert.True(verification.IsWhole, $"{circumstance}: step {listing.Step} is listed and not whole: {string.Join(" ", verification.Problems)}");
        }
        store.Save(Sample.Content(30), Keep);
        Assert.True(files.List(Folder) is ["step-00000030"], $"{circumstance}: the next save left {string.Join(", ", files.List(Folder))}");
        Assert.True(CheckpointStore.Verify(Folder, files).IsWhole, circumstance);
        return [.. listed.Select(listing => listing.Step)];
    }

    private static CrashingFileSystem KilledAt(long unit)
    {
        var files = WithCheckpoint10();
        files.UnitsLeft = unit;
        Assert.Throws<KilledException>(() => new CheckpointStore(Folder, files).Save(Sample.Content(20), Keep));
        return files;
    }

    private static CrashingFileSystem WithCheckpoint10()
    {
        var files = new CrashingFileSystem();
        new CheckpointStore(Folder, files).Save(Sample.Content(10), Keep);
        return files;
    }

    private static long UnitsOfOneSave()
    {
        var files = WithCheckpoint10();
        var before = files.UnitsUsed;
        new CheckpointStore(Folder, files).Save(Sample.Content(20), Keep);
        return files.UnitsUsed - before;
    }

    private static List<string> CallsOfOneSave()
    {
        var files = WithCheckpoint10();
        var calls = new List<string>();
        files.BeforeCall = calls.Add;
        new CheckpointStore(Folder, files).Save(Sample.Content(20), Keep);
        return calls;
    }
}
