namespace Orchestrator.Training.Data.Idx;

/// <summary>The names of MNIST's four files, and which of them a folder has, plain or packed.</summary>
internal static class IdxNames
{
    public const string TrainImages = "train-images-idx3-ubyte";
    public const string TrainLabels = "train-labels-idx1-ubyte";
    public const string TestImages = "t10k-images-idx3-ubyte";
    public const string TestLabels = "t10k-labels-idx1-ubyte";

    public static readonly string[] All = [TrainImages, TrainLabels, TestImages, TestLabels];

    public static string[] MissingFrom(string dir) => [.. All.Where(name => !File.Exists(Path.Combine(dir, name)) && !File.Exists(Packed(dir, name)))];

    public static string Packed(string dir, string name) => Path.Combine(dir, name + ".gz");
}
