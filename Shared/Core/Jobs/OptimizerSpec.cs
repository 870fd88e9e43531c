using System.Collections.Immutable;

namespace Orchestrator.Core.Jobs;

/// <summary>The update rule. Defaults are PyTorch's for each kind, except where said.</summary>
public sealed record OptimizerSpec
{
    /// <summary>sgd, adam, adamw or rmsprop.</summary>
    public string Kind { get; init; } = "adamw";

    public double LearningRate { get; init; } = 1e-3;

    public double WeightDecay { get; init; }

    /// <summary>all, or matrices (parameters of two or more dimensions; biases and norms do not decay).</summary>
    public string Decay { get; init; } = "all";

    /// <summary>Adam and AdamW: decay of the first and second moment.</summary>
    public ImmutableArray<double> Betas { get; init; } = [0.9, 0.999];

    public double Epsilon { get; init; } = 1e-8;

    /// <summary>SGD and RMSprop.</summary>
    public double Momentum { get; init; }

    /// <summary>SGD.</summary>
    public bool Nesterov { get; init; }

    /// <summary>RMSprop: smoothing of the squared gradient.</summary>
    public double Alpha { get; init; } = 0.99;
}

/// <summary>How the learning rate moves over the steps.</summary>
public sealed record ScheduleSpec
{
    /// <summary>constant, cosine or step.</summary>
    public string Kind { get; init; } = "constant";

    /// <summary>Steps over which the rate rises linearly from 0 (step s of the warm-up has (s + 1) / warmupSteps of it).</summary>
    public long WarmupSteps { get; init; }

    /// <summary>cosine: the rate at the end, as a share of the learning rate.</summary>
    public double FinalShare { get; init; }

    /// <summary>step: steps between two drops.</summary>
    public long DropEverySteps { get; init; } = 1000;

    /// <summary>step: the factor of each drop.</summary>
    public double DropFactor { get; init; } = 0.1;
}
