using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The keys of <c>training</c>, of its optimizer and of its schedule.</summary>
internal static class TrainingSchema
{
    public static TrainingSpec Read(SectionReader section)
    {
        var preset = new TrainingSpec();
        var training = new TrainingSpec
        {
            Steps = section.OptionalWhole("steps", 1, 1_000_000_000),
            Epochs = section.OptionalWhole("epochs", 1, 1_000_000),
            GlobalBatch = section.Whole("globalBatch", preset.GlobalBatch, 1, 16_777_216),
            LogicalRanks = section.Whole("logicalRanks", preset.LogicalRanks, 1, 4096),
            Optimizer = ReadOptimizer(section.Section("optimizer")),
            Schedule = ReadSchedule(section.Section("schedule")),
            ClipNorm = section.OptionalNumber("clipNorm", NumberRange.Positive(1e9)),
        };
        if (section.Has("steps") && section.Has("epochs"))
        {
            section.Fail("epochs", "training has both steps and epochs; exactly one of them is needed. Remove one.");
        }

        if (training.LogicalRanks > training.GlobalBatch)
        {
            section.Fail(
                section.Has("logicalRanks") ? "logicalRanks" : "globalBatch",
                $"training.logicalRanks is {training.LogicalRanks} and training.globalBatch is {training.GlobalBatch}; every logical rank needs a sample of each step. "
                + $"Set logicalRanks to {training.GlobalBatch} or less, or globalBatch to {training.LogicalRanks} or more.");
        }

        return training;
    }

    private static OptimizerSpec ReadOptimizer(SectionReader section)
    {
        var preset = new OptimizerSpec();
        var kind = section.Choice("kind", preset.Kind, "sgd", "adam", "adamw", "rmsprop");
        section.Describe($"optimizer kind {kind}");
        section.UnusedByKind("betas", "epsilon", "momentum", "nesterov", "alpha");
        var optimizer = preset with
        {
            Kind = kind,
            LearningRate = section.Number("learningRate", preset.LearningRate, NumberRange.Positive(1000)),
            WeightDecay = section.Number("weightDecay", preset.WeightDecay, NumberRange.Closed(0, 1000)),
            Decay = section.Choice("decay", preset.Decay, "all", "matrices"),
        };
        return kind switch
        {
            "sgd" => ReadSgd(section, optimizer),
            "rmsprop" => optimizer with
            {
                Momentum = section.Number("momentum", preset.Momentum, NumberRange.BelowOne),
                Alpha = section.Number("alpha", preset.Alpha, NumberRange.BelowOne),
                Epsilon = section.Number("epsilon", preset.Epsilon, NumberRange.Positive(1)),
            },
            _ => optimizer with
            {
                Betas = section.Numbers("betas", NumberRange.BelowOne, 2, 2) is { Length: 2 } betas ? betas : preset.Betas,
                Epsilon = section.Number("epsilon", preset.Epsilon, NumberRange.Positive(1)),
            },
        };
    }

    private static OptimizerSpec ReadSgd(SectionReader section, OptimizerSpec optimizer)
    {
        var sgd = optimizer with
        {
            Momentum = section.Number("momentum", optimizer.Momentum, NumberRange.BelowOne),
            Nesterov = section.Flag("nesterov", optimizer.Nesterov),
        };
        if (sgd is { Nesterov: true, Momentum: 0 })
        {
            section.Fail("nesterov", "training.optimizer.nesterov is true and momentum is 0; Nesterov's rule needs a momentum. Set momentum: 0.9, say.");
        }

        return sgd;
    }

    private static ScheduleSpec ReadSchedule(SectionReader section)
    {
        var preset = new ScheduleSpec();
        var kind = section.Choice("kind", preset.Kind, "constant", "cosine", "step");
        section.Describe($"schedule kind {kind}");
        section.UnusedByKind("finalShare", "dropEverySteps", "dropFactor");
        var schedule = preset with { Kind = kind, WarmupSteps = section.Whole("warmupSteps", preset.WarmupSteps, 0, 1_000_000_000) };
        return kind switch
        {
            "cosine" => schedule with { FinalShare = section.Number("finalShare", preset.FinalShare, NumberRange.Closed(0, 1)) },
            "step" => schedule with
            {
                DropEverySteps = section.Whole("dropEverySteps", preset.DropEverySteps, 1, 1_000_000_000),
                DropFactor = section.Number("dropFactor", preset.DropFactor, NumberRange.Positive(1)),
            },
            _ => schedule,
        };
    }
}
