// N: windows of a batch; H: hours of history; Q: quantiles.
using System.Globalization;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace OwnModel;

/// <summary>Forecasts the next hour's demand as a range: the 10th, 50th and 90th percentile, learned by the pinball loss.</summary>
/// <remarks>
/// Its data (an hourly series that it makes itself), its model (a recurrent cell of our own) and its loss are all its own. The
/// "accuracy" of its evaluation is the share of hours that fell within the forecast range: 0.8 is what an honest range shows.
/// </remarks>
public sealed class DemandForecast : TrainingTask
{
    private static readonly float[] Quantiles = [0.1f, 0.5f, 0.9f];

    /// <summary>Options come from the job file's task.options.</summary>
    public override DataParts OpenData(TaskContext context) =>
        DemandWindows.Open(context.Job.Seed, Option(context, "weeks", 104), Option(context, "history", 48));

    public override nn.Module CreateModel(TaskContext context, SampleShape shape) =>
        new RecurrentForecaster(shape.Input[^1], Option(context, "hidden", 32), Quantiles.Length);

    /// <summary>Pinball loss: being under the truth costs q for each unit, being over it 1 - q; the mean over quantiles, the sum over windows.</summary>
    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var forecast = ((nn.Module<Tensor, Tensor>)model).call(inputs); // [N, Q]
        var under = targets - forecast; // [N, 1] - [N, Q] = [N, Q]
        var q = tensor(Quantiles, device: inputs.device); // [Q]
        return maximum(under * q, under * (q - 1)).mean([1]).sum().MoveToOuterDisposeScope();
    }

    public override EvaluationSums Evaluate(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var forecast = ((nn.Module<Tensor, Tensor>)model).call(inputs); // [N, Q]
        var truth = targets.squeeze(1); // [N]
        var within = truth.ge(forecast.select(1, 0)).logical_and(truth.le(forecast.select(1, 2)));
        return new EvaluationSums(LossSum(model, inputs, targets).ToDouble(), within.sum().ToInt64());
    }

    private static int Option(TaskContext context, string name, int otherwise)
    {
        if (context.Job.Task?.Options.TryGetValue(name, out var text) != true)
        {
            return otherwise;
        }

        return int.TryParse(text, CultureInfo.InvariantCulture, out var value) && value > 0
            ? value
            : throw new ArgumentException($"task.options.{name} is '{text}'; a whole number of at least 1 was expected.");
    }
}
