using System.Globalization;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The values that a number of the job file may take.</summary>
public readonly record struct NumberRange(double Low, bool WithLow, double High, bool WithHigh)
{
    /// <summary>Low and high belong to it.</summary>
    public static NumberRange Closed(double low, double high) => new(low, true, high, true);

    /// <summary>A probability that may not be certain: [0, 1).</summary>
    public static readonly NumberRange BelowOne = new(0, true, 1, false);

    /// <summary>(0, high].</summary>
    public static NumberRange Positive(double high) => new(0, false, high, true);

    public bool Contains(double value) => (WithLow ? value >= Low : value > Low) && (WithHigh ? value <= High : value < High);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(WithLow ? "from" : "above")} {Low} {(WithHigh ? "to" : "to below")} {High}");
}
