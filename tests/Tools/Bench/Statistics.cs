namespace Orchestrator.Tools.Bench;

/// <summary>What the benchmarks make of their rounds.</summary>
internal static class Statistics
{
    /// <returns>The middle value, or the mean of the two in the middle; NaN of none.</returns>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
