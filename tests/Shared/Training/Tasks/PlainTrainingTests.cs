using Orchestrator.Core.Jobs;
using Orchestrator.Training.Tests.Data;

namespace Orchestrator.Training.Tests.Tasks;

public sealed class PlainTrainingTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Category", "Long")]
    public void Cnn_DrawnDigits_ReadsNinetySevenOfAHundred()
    {
        var data = new IdxDataSpec(Path.Combine(_folder.Path, "digits")) { DrawDigits = 10_000 };
        using var training = new PlainTraining(Jobs.With(data, new CnnSpec { Dropout = 0.25 }), batch: 64, learningRate: 2e-3);
        var accuracy = Report(training, steps: 6 * 156).Accuracy;
        Assert.InRange(accuracy, 0.97, 1);
    }

    [Fact]
    [Trait("Category", "Long")]
    public void Mlp_WithoutHiddenLayer_ReadsDrawnDigitsClearlyWorse()
    {
        var data = new IdxDataSpec(Path.Combine(_folder.Path, "digits")) { DrawDigits = 10_000 };
        using var training = new PlainTraining(Jobs.With(data, new MlpSpec { Hidden = [] }), batch: 64, learningRate: 1e-3);
        var accuracy = Report(training, steps: 10 * 156).Accuracy;
        Assert.InRange(accuracy, 0.5, 0.85);
    }

    [Fact]
    public void Gpt_PeriodicText_IsLearnedFarBelowItsByteFrequencies()
    {
        // 13 letters, evenly frequent, in one fixed order: a byte-frequency model stays at ln 13 = 2.56 nats.
        _folder.Write("a.txt", string.Concat(Enumerable.Repeat("gradient flow", 800)));
        var model = new GptSpec { Layers = 2, Heads = 2, Width = 32, Context = 32 };
        using var training = new PlainTraining(Jobs.With(new TextDataSpec(["a.txt"]), model, projectRoot: _folder.Path), batch: 16, learningRate: 1e-2);
        var before = training.Evaluate().Loss;
        var after = Report(training, steps: 120);
        Assert.InRange(before, 5, 6);
        Assert.InRange(after.Loss, 0, 0.5);
        Assert.InRange(after.Accuracy, 0.8, 1);
    }

    [Fact]
    public void Mlp_Spirals_AreToldApart()
    {
        var path = Path.Combine(RepositoryRoot(), "examples", "data", "spirals.csv");
        var data = new CsvDataSpec(path, "spiral") { ValidationShare = 0.2 };
        using var training = new PlainTraining(Jobs.With(data, new MlpSpec { Hidden = [64, 64] }), batch: 32, learningRate: 5e-3);
        Assert.InRange(Report(training, steps: 1500).Accuracy, 0.95, 1);
    }

    private (double Loss, double Accuracy) Report(PlainTraining training, int steps)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        training.Train(steps);
        var seconds = watch.Elapsed.TotalSeconds;
        var result = training.Evaluate();
        output.WriteLine($"{steps} steps in {seconds:0.0} s: held-out loss {result.Loss:0.0000}, accuracy {result.Accuracy:0.0000}");
        return result;
    }

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Orchestrator.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No Orchestrator.sln above the tests.");
        }

        return folder;
    }
}
