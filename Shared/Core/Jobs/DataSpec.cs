using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Core.Jobs;

/// <summary>Where the samples come from. Closed set: the JSON property "kind" tells which.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(TextDataSpec), "text")]
[JsonDerivedType(typeof(IdxDataSpec), "idx")]
[JsonDerivedType(typeof(CsvDataSpec), "csv")]
public abstract record DataSpec
{
    /// <summary>Share of the samples that is held out from training, in [0, 1). Ignored where the data brings its own held-out set.</summary>
    public double ValidationShare { get; init; } = 0.1;
}

/// <summary>The bytes of text files; a sample is a window of the corpus that overlaps no other.</summary>
/// <param name="Paths">Globs, relative to <see cref="JobSpec.ProjectRoot"/> or absolute; sorted ordinally after matching.</param>
public sealed record TextDataSpec(ImmutableArray<string> Paths) : DataSpec;

/// <summary>MNIST's four files (train-images-idx3-ubyte and so on, plain or .gz); t10k is the held-out set.</summary>
/// <param name="Dir">Absolute folder.</param>
public sealed record IdxDataSpec(string Dir) : DataSpec
{
    /// <summary>Fetch MNIST's files when they are missing, and check their SHA-256.</summary>
    public bool Download { get; init; }

    /// <summary>Draw the digits set into the folder when the files are missing (training images; 0: do not).</summary>
    public int DrawDigits { get; init; }
}

/// <summary>A table of numbers with a header line.</summary>
/// <param name="Path">Absolute path.</param>
/// <param name="Target">The column to predict.</param>
public sealed record CsvDataSpec(string Path, string Target) : DataSpec
{
    /// <summary>Input columns; empty: all but the target.</summary>
    public ImmutableArray<string> Features { get; init; } = [];

    /// <summary>auto (classes when every target is a small whole number), classes or value.</summary>
    public string TargetKind { get; init; } = "auto";

    public char Separator { get; init; } = ',';
}
