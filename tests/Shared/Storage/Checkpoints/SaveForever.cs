using System.Globalization;
using System.Runtime.CompilerServices;
using Orchestrator.Storage.Checkpoints;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Checkpoints;

/// <summary>The child of <see cref="KillTests"/>: this same program, started with a folder in the environment, saves until it is killed.</summary>
internal static class SaveForever
{
    public const string FolderVariable = "ORCHESTRATOR_TEST_SAVE_FOREVER";
    private const int ElementCount = 300_000;

    // Before xUnit's own Main: the child runs no tests.
    [ModuleInitializer]
    internal static void Start()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 } folder)
        {
            return;
        }
        var store = new CheckpointStore(folder);
        for (var step = (store.FindLatest()?.Step ?? 0) + 1; ; step++)
        {
            var values = new float[ElementCount];
            Array.Fill(values, step);
            store.Save(Sample.Content(step) with { Weights = [TensorSource.From("w", [ElementCount], values)] }, keep: 2);
            Console.WriteLine(step.ToString(CultureInfo.InvariantCulture));
        }
    }
}
