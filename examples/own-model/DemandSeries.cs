using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Orchestrator.Training.Data;

namespace OwnModel;

/// <summary>An hourly demand series that is made up: the day's and the week's rhythm, a wandering level, noise that grows with the load.</summary>
/// <remarks>A function of (seed, weeks) alone and the same bits on every machine, so that every worker makes the same series; its hash shows it.</remarks>
internal static class DemandSeries
{
    public const int HoursPerDay = 24, HoursPerWeek = 168;

    /// <summary>Demand by hour of the day, 1 being the day's usual level.</summary>
    private static readonly double[] Day =
        [0.55, 0.5, 0.47, 0.46, 0.48, 0.56, 0.75, 1.0, 1.2, 1.25, 1.22, 1.2, 1.18, 1.15, 1.12, 1.1, 1.15, 1.3, 1.45, 1.42, 1.25, 1.0, 0.8, 0.65];

    /// <summary>Demand by day of the week.</summary>
    private static readonly double[] Week = [1.05, 1.05, 1.05, 1.05, 1.0, 0.85, 0.75];

    /// <summary>How much of yesterday's wandering an hour keeps.</summary>
    private const double Persistence = 0.97;

    public static float[] Make(long seed, int weeks)
    {
        var series = new float[weeks * HoursPerWeek];
        var random = SampleRandom.For(seed, 0, 0);
        var level = 0.0;
        for (var hour = 0; hour < series.Length; hour++)
        {
            level = (Persistence * level) + (0.02 * random.NextBell());
            var usual = Day[hour % HoursPerDay] * Week[hour / HoursPerDay % 7];
            series[hour] = (float)(usual * (1 + level + (0.06 * random.NextBell())));
        }

        return series;
    }

    /// <summary>Pins the run's data: every worker must have made the same series.</summary>
    public static string Sha256(float[] series) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(series.AsSpan())));
}
