using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The tree of a job file to a job: the keys of the file, their defaults and ranges, and what must fit together.</summary>
/// <remarks>Defaults stand in the records of Shared/Core/Jobs only.</remarks>
public static class JobSchema
{
    /// <summary>Far more levels than anybody can tell apart.</summary>
    private const int MostPriority = 1000;

    private static readonly JobSpec Preset = new() { Name = "", Training = new(), ProjectRoot = "" };

    /// <param name="root">The file's tree, options applied.</param>
    /// <param name="fileOrigin">What an error about the whole file begins with.</param>
    /// <param name="defaultName">The job's name when the file gives none.</param>
    /// <param name="projectRoot">Absolute folder from which relative paths start.</param>
    /// <param name="errors">Takes what is wrong; the job is meaningless when it is not empty afterwards.</param>
    public static JobSpec Read(JobNode? root, string fileOrigin, string defaultName, string projectRoot, JobErrors errors)
    {
        var keys = new JobKeys();
        var file = new SectionReader(root, "", fileOrigin, errors, keys);
        (keys.IsResolved, projectRoot) = ReadProjectRoot(file) is { } resolvedRoot ? (true, resolvedRoot) : (file.Has("projectRoot"), projectRoot);
        var (modelSection, dataSection, taskSection) = (file.Section("model"), file.Section("data"), file.Section("task"));
        var job = new JobSpec
        {
            Name = ReadName(file, defaultName),
            Seed = file.Whole("seed", Preset.Seed, 0, long.MaxValue),
            Model = modelSection.IsPresent ? ModelSchema.Read(modelSection) : null,
            Task = taskSection.IsPresent ? TaskSchema.Read(taskSection, projectRoot) : null,
            Data = dataSection.IsPresent ? DataSchema.Read(dataSection, projectRoot) : null,
            Training = TrainingSchema.Read(file.Section("training")),
            Workers = WorkersSchema.Read(file.Section("workers")),
            Priority = file.Whole("priority", Preset.Priority, -MostPriority, MostPriority),
            AllReduce = AllReduceSchema.Read(file.Section("allReduce")),
            Checkpoint = ReadCheckpoint(file.Section("checkpoint"), projectRoot),
            Evaluation = ReadEvaluation(file.Section("evaluation")),
            ProjectRoot = projectRoot,
        };
        RequireSections(file, job);
        JobFit.Check(file, job);
        keys.ReportUnknown(errors);
        return job;
    }

    /// <returns>Null: none is given, or none that other paths could start from.</returns>
    private static string? ReadProjectRoot(SectionReader file)
    {
        if (file.Text("projectRoot") is not { } root)
        {
            return null;
        }

        if (Path.IsPathFullyQualified(root))
        {
            return root;
        }

        file.Fail("projectRoot", $"projectRoot is '{root}'; an absolute path is needed.");
        return null;
    }

    private static string ReadName(SectionReader file, string defaultName)
    {
        var name = file.Text("name") ?? defaultName;
        if (name.Length > 100 || name.Any(char.IsControl))
        {
            file.Fail("name", $"name has {name.Length} characters; 1 to 100 printable ones are needed.");
        }

        return name;
    }

    private static void RequireSections(SectionReader file, JobSpec job)
    {
        if (!file.Has("model") && !file.Has("task"))
        {
            file.Fail("model", "model is missing. Say what is trained: model: {kind: gpt}, {kind: cnn} or {kind: mlp}, or task: {assembly: FILE, type: NAME} for a class of your own.");
        }
        else if (file.Has("model") && file.Has("task"))
        {
            file.Fail("task", "model and task are both given. Keep model for a built-in model, or task for a class of your own.");
        }

        if (!file.Has("data") && !file.Has("task"))
        {
            file.Fail("data", "data is missing. Say what is learned from: data: {kind: text, paths: [GLOB]}, {kind: idx, dir: DIR} or {kind: csv, path: FILE, target: COLUMN}.");
        }

        if (!file.Has("training"))
        {
            file.Fail("training", "training is missing. Say how long: training: {steps: 300}, or {epochs: 3}.");
        }
        else if (job.Training is { Steps: null, Epochs: null } && !file.Section("training").Has("steps") && !file.Section("training").Has("epochs"))
        {
            file.Section("training").Fail("steps", "training has neither steps nor epochs; exactly one of them is needed, such as steps: 300.");
        }
    }

    private static CheckpointSpec ReadCheckpoint(SectionReader section, string projectRoot)
    {
        var preset = new CheckpointSpec();
        return new CheckpointSpec
        {
            EverySteps = section.Whole("everySteps", preset.EverySteps, 0, 1_000_000_000),
            Keep = section.Whole("keep", preset.Keep, 1, 100_000),
            Dir = section.Text("dir") is { } dir ? Path.GetFullPath(dir, projectRoot) : null,
        };
    }

    private static EvaluationSpec ReadEvaluation(SectionReader section)
    {
        var preset = new EvaluationSpec();
        return new EvaluationSpec
        {
            EverySteps = section.Whole("everySteps", preset.EverySteps, 0, 1_000_000_000),
            MaxSamples = section.Whole("maxSamples", preset.MaxSamples, 1, 1_000_000_000),
        };
    }
}
