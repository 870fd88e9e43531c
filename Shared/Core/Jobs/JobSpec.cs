using System.Collections.Immutable;

namespace Orchestrator.Core.Jobs;

/// <summary>What a person asks for: one job file, resolved (every default filled in, every path absolute).</summary>
/// <remarks>Immutable. The coordinator parses and validates it; workers get it as JSON (<see cref="JobSpecJson"/>).</remarks>
public sealed record JobSpec
{
    public required string Name { get; init; }

    /// <summary>The root of every random stream of the run: initial weights, sample order, dropout, augmentation.</summary>
    public long Seed { get; init; } = 1234;

    /// <summary>A built-in model; null when <see cref="Task"/> names the user's own.</summary>
    public ModelSpec? Model { get; init; }

    /// <summary>A task class of the user's; null when <see cref="Model"/> names a built-in one.</summary>
    public TaskSpec? Task { get; init; }

    /// <summary>The data set; may be null only when <see cref="Task"/> brings its own.</summary>
    public DataSpec? Data { get; init; }

    public required TrainingSpec Training { get; init; }

    public WorkersSpec Workers { get; init; } = new();

    /// <summary>Among the runs of one pool of workers, higher ones come first.</summary>
    public int Priority { get; init; }

    public AllReduceSpec AllReduce { get; init; } = new();

    public CheckpointSpec Checkpoint { get; init; } = new();

    public EvaluationSpec Evaluation { get; init; } = new();

    /// <summary>Absolute folder from which the job file's relative paths start.</summary>
    public required string ProjectRoot { get; init; }
}

/// <summary>A task class of the user's, loaded in worker processes only.</summary>
/// <param name="Assembly">Absolute path of the assembly.</param>
/// <param name="Type">Full name of a class that derives from TrainingTask.</param>
/// <param name="Options">Free key-value pairs handed to the task.</param>
public sealed record TaskSpec(string Assembly, string Type, ImmutableSortedDictionary<string, string> Options);

/// <summary>How much is trained, on what batch, by which rule.</summary>
public sealed record TrainingSpec
{
    /// <summary>Steps in total, also on resume; null when <see cref="Epochs"/> says it. Exactly one of the two is set.</summary>
    public long? Steps { get; init; }

    /// <summary>Passes over the training part; the last step is short when the batch does not divide it.</summary>
    public long? Epochs { get; init; }

    /// <summary>Samples of one step, whatever the number of workers. At least <see cref="LogicalRanks"/>.</summary>
    public int GlobalBatch { get; init; } = 32;

    /// <summary>V: the shares that every step's batch is cut into, fixed for the whole run.</summary>
    public int LogicalRanks { get; init; } = 8;

    public OptimizerSpec Optimizer { get; init; } = new();

    public ScheduleSpec Schedule { get; init; } = new();

    /// <summary>Largest global norm of the gradient; null: no clipping.</summary>
    public double? ClipNorm { get; init; }
}

public sealed record WorkersSpec
{
    public int Min { get; init; } = 1;
    public int Desired { get; init; } = 1;
    public int Max { get; init; } = 64;

    /// <summary>auto, cpu, cuda or cuda:N.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Intra-op threads of each worker: part of the numeric fingerprint, so never a function of the number of workers.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>auto (the newest level that every worker has), default, avx2 or avx512.</summary>
    public string Isa { get; init; } = "auto";

    /// <summary>
    /// A worker whose training thread stays at one piece of work for so many seconds, and for 20 usual steps, while the others wait for it, hangs and is given up. A worker's first step
    /// has ten minutes, a checkpoint or an evaluation half an hour, or this when it is longer. 0: nobody is given up for that.
    /// </summary>
    public int HangSeconds { get; init; } = 30;

    /// <summary>Only workers that were given all of these labels (`worker --label NAME=VALUE`) serve the run; empty: any.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = LabelRule.None;
}

public sealed record AllReduceSpec
{
    /// <summary>auto, tcp, unix or shm.</summary>
    public string Transport { get; init; } = "auto";

    /// <summary>
    /// fp32 or bf16. With bf16 every logical rank's gradient and every sum of two is rounded to bf16, whether it is sent or not, so the weights differ from those of fp32 and
    /// are the same on any number of workers. Loss and statistics stay fp32.
    /// </summary>
    public string Wire { get; init; } = "fp32";

    public int BucketMiB { get; init; } = 25;
}

public sealed record CheckpointSpec
{
    /// <summary>Steps between two checkpoints; 0: only the last step. The last step is always checkpointed.</summary>
    public int EverySteps { get; init; } = 100;

    /// <summary>How many checkpoints of the run are kept; at least 1.</summary>
    public int Keep { get; init; } = 3;

    /// <summary>Absolute folder; null: checkpoints/ in the run folder.</summary>
    public string? Dir { get; init; }
}

public sealed record EvaluationSpec
{
    /// <summary>Steps between two evaluations on the held-out part; 0: only after the last step.</summary>
    public int EverySteps { get; init; } = 100;

    /// <summary>At most this many held-out samples are used during training.</summary>
    public int MaxSamples { get; init; } = 512;
}
