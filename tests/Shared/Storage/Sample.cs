using System.Collections.Immutable;
using Orchestrator.Storage.Checkpoints;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests;

/// <summary>Builders of small checkpoints whose content is a function of the step.</summary>
internal static class Sample
{
    public const string Run = "run-a";

    public static CheckpointContent Content(long step, string run = Run, float shift = 0, int lineage = 0) => new(
        new CheckpointManifest
        {
            RunId = run,
            JobName = "tiny",
            Step = step,
            Epoch = 1,
            EpochPosition = 3,
            WeightsSha256 = "",
            Fingerprint = ImmutableSortedDictionary<string, string>.Empty.Add("isa", "avx2").Add("libtorch", "1.13.1"),
            Seed = 1234,
            GlobalBatch = 8,
            LogicalRanks = 4,
            DataSet = new DataSetPin(100, new string('d', 64)),
            CreatedAt = new DateTimeOffset(2025, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Lineage = new CheckpointLineage(lineage, null),
        },
        [Floats("layer.weight", [2, 3], step + shift), TensorSource.From("layer.mask", TensorType.Bool, [3], new byte[] { 1, 0, 1 })],
        [Floats("layer.weight.momentum", [2, 3], step * 10f)],
        $$"""{"name": "tiny", "step": {{step}}}""");

    public static TensorSource Floats(string name, ReadOnlySpan<long> shape, float start)
    {
        var count = 1;
        foreach (var extent in shape)
        {
            count *= (int)extent;
        }
        return TensorSource.From(name, shape, Enumerable.Range(0, count).Select(index => start + index / 7f).ToArray());
    }
}

/// <summary>A folder of its own for one test, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("storage-test-").FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
