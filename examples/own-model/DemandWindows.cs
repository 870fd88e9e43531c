// N: windows of a batch; H: hours of history; F: features of an hour.
using Orchestrator.Training.Data;
using static TorchSharp.torch;

namespace OwnModel;

/// <summary>Every window of H hours and the hour after it: inputs [N, H, F], targets [N, 1].</summary>
/// <remarks>Sample i is the window that begins at the part's hour i. The last fifth of the series is held out: a forecast is judged on the future.</remarks>
internal sealed class DemandWindows(float[] series, int firstHour, int hours, int history) : IDataSet
{
    /// <summary>An hour's demand, the hour of the day and the day of the week, the latter two scaled to [-0.5, 0.5).</summary>
    private const int Features = 3;

    public long Count => hours - history;

    public static DataParts Open(long seed, int weeks, int history)
    {
        var series = DemandSeries.Make(seed, weeks);
        var heldOut = series.Length / 5;
        if (heldOut <= history)
        {
            throw new DataException($"task.options: {weeks} weeks hold out {heldOut} hours; more than the history of {history} hours are needed. Raise weeks or lower history.");
        }

        var training = series.Length - heldOut;
        return new DataParts(
            new DemandWindows(series, 0, training, history),
            new DemandWindows(series, training, heldOut, history),
            DemandSeries.Sha256(series),
            new SampleShape([history, Features], Classes: 0));
    }

    public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
    {
        var inputs = new float[ids.Length * history * Features];
        var targets = new float[ids.Length];
        for (var n = 0; n < ids.Length; n++)
        {
            var start = firstHour + (int)ids[n];
            for (var h = 0; h < history; h++)
            {
                var hour = start + h;
                var at = ((n * history) + h) * Features;
                inputs[at] = series[hour];
                inputs[at + 1] = (hour % DemandSeries.HoursPerDay / (float)DemandSeries.HoursPerDay) - 0.5f;
                inputs[at + 2] = (hour % DemandSeries.HoursPerWeek / (float)DemandSeries.HoursPerWeek) - 0.5f;
            }

            targets[n] = series[start + history];
        }

        long[] inputShape = [ids.Length, history, Features];
        long[] targetShape = [ids.Length, 1];
        return new Batch(tensor(inputs, inputShape), tensor(targets, targetShape), ids.Length);
    }

    public void Dispose()
    {
    }
}
