using System.Globalization;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Times as they are typed: 90, 90s, 15m, 2h, 1d.</summary>
internal static class Durations
{
    /// <summary>Longer than anybody waits, and within what timers take.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    /// <exception cref="UsageException">It is no time.</exception>
    public static TimeSpan Read(string option, string typed)
    {
        var unit = typed.Length == 0 ? 0 : typed[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, >= '0' and <= '9' => 1, _ => 0 };
        var digits = typed.Length > 0 && char.IsAsciiLetter(typed[^1]) ? typed[..^1] : typed;
        return unit > 0 && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? TimeSpan.FromSeconds(Math.Min(number * unit, Longest.TotalSeconds))
            : throw new UsageException($"{option} {typed}: a time is needed, such as 90s, 15m or 2h.");
    }
}
