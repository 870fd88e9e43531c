using Orchestrator.Storage.Checkpoints;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Checkpoints;

public class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointStore _store;

    public CheckpointStoreTests() => _store = new CheckpointStore(_folder.File("run/checkpoints"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Save_ThenLoad_GivesEverythingBack()
    {
        var content = Sample.Content(120);
        content = content with
        {
            Manifest = content.Manifest with { Lineage = new CheckpointLineage(2, new CheckpointReference("run-0", 60, new string('a', 64))) },
        };

        var result = _store.Save(content, keep: 3);

        Assert.Equal(_folder.File("run/checkpoints/step-00000120"), result.Path);
        Assert.Equal(["job.json", "manifest.json", "optimizer.safetensors", "weights.safetensors"], Names(result.Path));
        using var loaded = CheckpointStore.Load(result.Path);
        Assert.Equal(CheckpointManifestJson.Write(result.Manifest), CheckpointManifestJson.Write(loaded.Manifest));
        Assert.Equal(content.Manifest.Fingerprint, loaded.Manifest.Fingerprint);
        Assert.Equal(content.Manifest.Lineage, loaded.Manifest.Lineage);
        Assert.Equal(content.JobJson, loaded.JobJson);
        Assert.Equal(WeightsHash.Compute(content.Weights), loaded.Manifest.WeightsSha256);
        Assert.Equal(WeightsHash.Compute(content.Optimizer), WeightsHash.Compute(loaded.Optimizer));
        Assert.Equal(["job.json", "optimizer.safetensors", "weights.safetensors"], loaded.Manifest.Files.Select(file => file.Name));
        Assert.Equal(result.Bytes, loaded.Manifest.Files.Sum(file => new FileInfo(Path.Combine(result.Path, file.Name)).Length));
    }

    [Fact]
    public void Save_SameStepAndWeightsAgain_SucceedsWithoutWriting()
    {
        var first = _store.Save(Sample.Content(7), keep: 3);
        var written = File.GetLastWriteTimeUtc(Path.Combine(first.Path, "weights.safetensors"));

        var second = _store.Save(Sample.Content(7, run: "run-b"), keep: 3);

        Assert.False(first.WasAlreadyThere);
        Assert.True(second.WasAlreadyThere);
        Assert.Equal(Sample.Run, second.Manifest.RunId);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(first.Path, "weights.safetensors")));
    }

    [Fact]
    public void Save_SameStepWithOtherWeights_IsAConflictThatNamesBoth()
    {
        var first = _store.Save(Sample.Content(7), keep: 3);

        var error = Assert.Throws<StorageException>(() => _store.Save(Sample.Content(7, run: "run-b", shift: 1), keep: 3));

        Assert.Equal(StorageFailure.Conflict, error.Failure);
        Assert.Contains($"already holds step 7 of run run-a with the weights {first.Manifest.WeightsSha256}; run run-b has", error.Message);
        Assert.True(CheckpointStore.Verify(first.Path).IsWhole);
    }

    [Fact]
    public void Save_SameStepButTheOldOneIsDamaged_IsRefused()
    {
        var first = _store.Save(Sample.Content(7), keep: 3);
        File.WriteAllText(Path.Combine(first.Path, "job.json"), "x");

        var error = Assert.Throws<StorageException>(() => _store.Save(Sample.Content(7), keep: 3));

        Assert.Equal(StorageFailure.Corrupt, error.Failure);
        Assert.Contains("is damaged", error.Message);
    }

    [Fact]
    public void Save_WeightsThatAreNotTheExpectedOnes_CommitsNothing()
    {
        var content = Sample.Content(7);

        var error = Assert.Throws<StorageException>(() => _store.Save(content with { Manifest = content.Manifest with { WeightsSha256 = new string('0', 64) } }, keep: 3));

        Assert.Contains("the weights changed while they were saved", error.Message);
        Assert.Empty(_store.List());
        Assert.Equal([".writer.lock"], Names(_store.Directory));
    }

    [Fact]
    public void Save_Cancelled_CommitsNothingAndGivesTheRoomBack()
    {
        using var source = new CancellationTokenSource();
        var content = Sample.Content(7) with
        {
            Weights = [TensorSource.From("w", TensorType.UInt8, [TensorSource.PieceBytes * 3], (offset, _) => source.Cancel())],
        };

        Assert.Throws<OperationCanceledException>(() => _store.Save(content, keep: 3, cancellation: source.Token));

        Assert.Equal([".writer.lock"], Names(_store.Directory));
    }

    [Fact]
    public void Save_MoreThanKeep_DeletesTheOldestOfThisRunOnly()
    {
        _store.Save(Sample.Content(1, run: "other"), keep: 1);
        _store.Save(Sample.Content(10), keep: 2);
        _store.Save(Sample.Content(20), keep: 2);

        var result = _store.Save(Sample.Content(30), keep: 2);

        Assert.Equal([_folder.File("run/checkpoints/step-00000010")], result.Deleted);
        Assert.Equal([1, 20, 30], _store.List().Select(listing => listing.Step).Order());
        Assert.Null(result.RetentionProblem);
    }

    [Fact]
    public void Save_MoreThanKeep_SparesTheOneResumedFrom()
    {
        var parent = _store.Save(Sample.Content(10), keep: 1);

        _store.Save(Sample.Content(20, lineage: 1), keep: 1, resumedFrom: parent.Path + "/");
        _store.Save(Sample.Content(30, lineage: 1), keep: 1, resumedFrom: parent.Path);

        Assert.Equal([10, 30], _store.List().Select(listing => listing.Step));
    }

    [Fact]
    public void Save_LaterLineageAtAnEarlierStep_OutlivesTheAbandonedOne()
    {
        _store.Save(Sample.Content(100), keep: 1);

        var result = _store.Save(Sample.Content(80, lineage: 1), keep: 1);

        Assert.Equal([_folder.File("run/checkpoints/step-00000100")], result.Deleted);
        Assert.Equal(80, _store.FindLatest()!.Step);
    }

    [Fact]
    public void Save_WhileAnotherSaveRuns_IsBusy()
    {
        StorageException? inner = null;
        var content = Sample.Content(5);
        var reentrant = TensorSource.From("w", TensorType.UInt8, [1], (_, _) =>
            inner ??= Assert.Throws<StorageException>(() => new CheckpointStore(_store.Directory).Save(Sample.Content(6), keep: 3)));

        _store.Save(content with { Weights = [reentrant] }, keep: 3);

        Assert.Equal(StorageFailure.Busy, inner!.Failure);
        Assert.Contains("Another process is saving a checkpoint", inner.Message);
        Assert.Equal([5], _store.List().Select(listing => listing.Step));
    }

    [Fact]
    public void List_DebrisAndForeignFolders_AreNotListedAndOnlyDebrisIsDeletedByTheNextSave()
    {
        Directory.CreateDirectory(Path.Combine(_store.Directory, "step-00000003"));
        File.WriteAllText(Path.Combine(_store.Directory, "step-00000003", "weights.safetensors"), "half");
        Directory.CreateDirectory(Path.Combine(_store.Directory, "step-3"));
        Directory.CreateDirectory(Path.Combine(_store.Directory, "notes"));

        Assert.Empty(_store.List());
        Assert.Null(_store.FindLatest());
        _store.Save(Sample.Content(4), keep: 1);

        Assert.Equal([".writer.lock", "notes", "step-00000004", "step-3"], Names(_store.Directory));
    }

    [Fact]
    public void FindLatest_TwoRunsInOneFolder_IsOfTheRunThatSavedLast()
    {
        var early = Sample.Content(500, lineage: 3);
        var late = Sample.Content(20, run: "run-b");
        _store.Save(late with { Manifest = late.Manifest with { CreatedAt = late.Manifest.CreatedAt.AddHours(1) } }, keep: 3);
        _store.Save(early, keep: 3);

        Assert.Equal(20, _store.FindLatest()!.Step);
        Assert.Equal([500, 20], _store.List().Select(listing => listing.Step));
    }

    [Fact]
    public void FindLatest_NewestIsDamaged_DoesNotFallBackInSilence()
    {
        var older = _store.Save(Sample.Content(10), keep: 3);
        var newest = _store.Save(Sample.Content(20), keep: 3);
        File.WriteAllText(Path.Combine(newest.Path, "manifest.json"), "{");

        var error = Assert.Throws<StorageException>(() => _store.FindLatest());

        Assert.Equal(StorageFailure.Corrupt, error.Failure);
        Assert.EndsWith($"name it: {older.Path}", error.Message);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("run/checkpoints")]
    [InlineData("run/checkpoints/")]
    [InlineData("run/checkpoints/step-00000020")]
    [InlineData("run/checkpoints/step-00000020/manifest.json")]
    public void Resolve_RunFolderStoreOrCheckpoint_FindsTheCheckpoint(string path)
    {
        _store.Save(Sample.Content(10), keep: 3);
        var newest = _store.Save(Sample.Content(20), keep: 3);

        Assert.Equal(newest.Path, CheckpointPath.Resolve(_folder.File(path)));
    }

    [Fact]
    public void Resolve_NothingThere_SaysWhatToGive()
    {
        var error = Assert.Throws<StorageException>(() => CheckpointPath.Resolve(_folder.File("none")));

        Assert.Equal(StorageFailure.NotFound, error.Failure);
        Assert.Contains("there is no such folder. Give a run folder, or a folder step-00000120", error.Message);
    }

    [Fact]
    public void Save_FolderThatIsAFile_IsATypedFailure()
    {
        File.WriteAllText(_folder.File("run"), "");

        var error = Assert.Throws<StorageException>(() => _store.Save(Sample.Content(1), keep: 1));

        Assert.True(error.BytesWanted > 0);
        Assert.Contains("step-00000001", error.Path);
    }

    private static IEnumerable<string> Names(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
