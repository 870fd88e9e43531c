using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Core.Jobs;

/// <summary>One of the built-in models. Closed set: the JSON property "kind" tells which.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(GptSpec), "gpt")]
[JsonDerivedType(typeof(CnnSpec), "cnn")]
[JsonDerivedType(typeof(MlpSpec), "mlp")]
public abstract record ModelSpec
{
    /// <summary>Probability of dropping an activation, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>auto (gpt2 for gpt, he for the others), he, xavier or gpt2.</summary>
    public string Init { get; init; } = "auto";
}

/// <summary>A pre-LN decoder over bytes (256 tokens) with learned positions.</summary>
public sealed record GptSpec : ModelSpec
{
    public int Layers { get; init; } = 4;
    public int Heads { get; init; } = 4;

    /// <summary>Channels of the residual stream; a multiple of <see cref="Heads"/>.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Tokens of one sample.</summary>
    public int Context { get; init; } = 128;
}

/// <summary>Convolution, ReLU and 2 x 2 max pooling per entry of <see cref="Channels"/>, then a hidden layer and the classes.</summary>
public sealed record CnnSpec : ModelSpec
{
    public ImmutableArray<int> Channels { get; init; } = [16, 32];
    public int Kernel { get; init; } = 3;
    public int Hidden { get; init; } = 128;

    /// <summary>Batch normalisation after each convolution.</summary>
    public bool BatchNorm { get; init; }
}

/// <summary>Fully connected layers with ReLU between them.</summary>
public sealed record MlpSpec : ModelSpec
{
    public ImmutableArray<int> Hidden { get; init; } = [128, 128];

    /// <summary>auto (cross-entropy for classes, mse for a real target), cross-entropy, mse or bce.</summary>
    public string Loss { get; init; } = "auto";
}
