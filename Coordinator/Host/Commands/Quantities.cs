using System.Globalization;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Numbers as people read them.</summary>
internal static class Quantities
{
    public static string Loss(double? loss) => loss is { } value ? value.ToString("0.0000", CultureInfo.InvariantCulture) : "-";

    public static string Rate(double? samplesPerSecond) => samplesPerSecond switch
    {
        null => "-",
        >= 100 => samplesPerSecond.Value.ToString("0", CultureInfo.InvariantCulture),
        _ => samplesPerSecond.Value.ToString("0.0", CultureInfo.InvariantCulture),
    };

    public static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
    };

    public static string Count(long count) => count switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:0.00} billion"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.00} million"),
        _ => count.ToString("N0", CultureInfo.InvariantCulture),
    };

    public static string Time(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:D2}:{time.Seconds:D2}" : $"{time.Minutes}:{time.Seconds:D2}";

    /// <param name="seconds">Short ones are told in milliseconds.</param>
    public static string Millis(double seconds) =>
        seconds < 10 ? string.Create(CultureInfo.InvariantCulture, $"{seconds * 1000:0} ms") : string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s");

    public static string Workers(int count) => count == 1 ? "1 worker" : $"{count} workers";
}
