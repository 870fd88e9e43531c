using System.Globalization;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>The names on disk.</summary>
public static class CheckpointFiles
{
    public const string Manifest = "manifest.json";
    public const string Weights = "weights.safetensors";
    public const string Optimizer = "optimizer.safetensors";
    public const string Job = "job.json";

    /// <summary>The folder of checkpoints in a run folder.</summary>
    public const string FolderInRun = "checkpoints";

    /// <summary>Held by the process that writes in the folder; empty, and never deleted.</summary>
    internal const string WriterLock = ".writer.lock";

    private const string StepPrefix = "step-";
    private const int StepDigits = 8;

    /// <summary><c>step-00000120</c>; past 99,999,999 the name grows.</summary>
    public static string StepFolder(long step) => StepPrefix + step.ToString("D8", CultureInfo.InvariantCulture);

    /// <summary>The step of a folder's name; null when the store does not make such names.</summary>
    public static long? StepOf(string folderName) =>
        folderName.StartsWith(StepPrefix, StringComparison.Ordinal)
        && folderName.Length >= StepPrefix.Length + StepDigits
        && long.TryParse(folderName.AsSpan(StepPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step)
        && StepFolder(step) == folderName
            ? step
            : null;
}
