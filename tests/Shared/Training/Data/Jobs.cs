using System.Collections.Immutable;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Training.Tests.Data;

/// <summary>Resolved job files for tests.</summary>
internal static class Jobs
{
    public static JobSpec With(DataSpec? data, ModelSpec? model = null, TaskSpec? task = null, string projectRoot = "/") =>
        new() { Name = "test", Data = data, Model = model, Task = task, Training = new TrainingSpec { Steps = 1 }, ProjectRoot = projectRoot };

    public static TaskSpec Task(string assembly, string type, params (string Key, string Value)[] options) =>
        new(assembly, type, options.ToImmutableSortedDictionary(o => o.Key, o => o.Value));
}
