using Orchestrator.Storage.Checkpoints;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Checkpoints;

public class CheckpointVerifyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _path;

    public CheckpointVerifyTests() => _path = new CheckpointStore(_folder.Path).Save(Sample.Content(9), keep: 1).Path;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Verify_EveryByteOfEveryListedFileFlipped_IsFound()
    {
        Assert.True(CheckpointStore.Verify(_path).IsWhole);
        foreach (var name in new[] { "weights.safetensors", "optimizer.safetensors", "job.json" })
        {
            var path = Path.Combine(_path, name);
            var whole = File.ReadAllBytes(path);
            for (var index = 0; index < whole.Length; index++)
            {
                whole[index] ^= 0x10;
                File.WriteAllBytes(path, whole);
                var verification = CheckpointStore.Verify(_path);
                Assert.Contains($"{name} has the SHA-256", Assert.Single(verification.Problems));
                whole[index] ^= 0x10;
            }
            File.WriteAllBytes(path, whole);
        }
        Assert.True(CheckpointStore.Verify(_path).IsWhole);
    }

    [Fact]
    public void Verify_TruncatedAndMissingFiles_AreAllNamedAtOnce()
    {
        File.WriteAllBytes(Path.Combine(_path, "weights.safetensors"), [1, 2, 3]);
        File.Delete(Path.Combine(_path, "optimizer.safetensors"));

        var problems = CheckpointStore.Verify(_path).Problems;

        Assert.Collection(
            problems,
            problem => Assert.Contains("optimizer.safetensors failed: there is no such file", problem),
            problem => Assert.Contains("weights.safetensors has 3 bytes; its manifest says", problem));
        Assert.Contains("is damaged", Assert.Throws<StorageException>(() => CheckpointStore.Load(_path)).Message);
    }

    [Fact]
    public void Verify_WeightsExchangedTogetherWithTheirFileHash_AreFoundByTheWeightsHash()
    {
        var path = Path.Combine(_path, "weights.safetensors");
        using (var stream = File.Create(path))
        {
            SafetensorsWriter.Write(stream, Sample.Content(9, shift: 1).Weights, CheckpointStore.TensorMetadata);
        }
        var manifestPath = Path.Combine(_path, "manifest.json");
        var manifest = CheckpointManifestJson.Read(manifestPath, File.ReadAllBytes(manifestPath));
        var sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)));
        File.WriteAllText(manifestPath, CheckpointManifestJson.Write(manifest with
        {
            Files = [.. manifest.Files.Select(file => file.Name == "weights.safetensors" ? file with { Sha256 = sha256 } : file)],
        }));

        Assert.Contains("has the weights' hash", Assert.Single(CheckpointStore.Verify(_path).Problems));
    }

    [Fact]
    public void Verify_FolderRenamedToAnotherStep_IsFound()
    {
        var renamed = _folder.File("step-00000099");
        Directory.Move(_path, renamed);

        Assert.Contains("is of step 99, its manifest of step 9", Assert.Single(CheckpointStore.Verify(renamed).Problems));
    }

    [Theory]
    [InlineData("schemaVersion\": 1", "schemaVersion\": 2", "has schemaVersion 2; this build reads up to 1")]
    [InlineData("\"step\": 9", "\"step\": \"nine\"", "not the JSON of a manifest")]
    [InlineData("\"step\": 9", "\"step\": 9, \"step\": 9", "not the JSON of a manifest")]
    [InlineData("\"step\": 9", "\"step\": -9", "out of range")]
    [InlineData("\"step\": 9,", "", "not the JSON of a manifest")]
    [InlineData("\"name\": \"weights.safetensors\"", "\"name\": \"w\"", "does not list weights.safetensors")]
    [InlineData("\"jobFile\": \"job.json\"", "\"jobFile\": \"../job.json\"", "does not list ../job.json")]
    public void Read_ManifestThatSaysThis_IsRefusedWithTheReason(string from, string to, string reason)
    {
        var path = Path.Combine(_path, "manifest.json");
        var text = File.ReadAllText(path);
        Assert.Contains(from, text);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));

        Assert.Contains(reason, Assert.Single(CheckpointStore.Verify(_path).Problems));
    }

    [Fact]
    public void Read_FileOutsideItsFolder_IsRefused()
    {
        var path = Path.Combine(_path, "manifest.json");
        var manifest = CheckpointManifestJson.Read(path, File.ReadAllBytes(path));
        File.WriteAllText(path, CheckpointManifestJson.Write(manifest with { Files = manifest.Files.Add(new CheckpointFile("../x", 0, "")) }));

        Assert.Contains("lists '../x', which is not a file of its own folder", Assert.Single(CheckpointStore.Verify(_path).Problems));
    }
}
