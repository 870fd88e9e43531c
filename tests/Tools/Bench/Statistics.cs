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

    /// <summary>The value that this share of all is not above (nearest rank); NaN of none.</summary>
    /// <param name="values">In any order.</param>
    /// <param name="share">Above 0, to 1.</param>
    public static double Percentile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
