using System.Globalization;

namespace Grpc.Wire;

/// <summary>The value of <c>grpc-timeout</c>: at most eight digits and a unit (H, M, S, m, u, n).</summary>
internal static class GrpcTimeout
{
    private const long MaxDigits = 99_999_999;

    /// <summary>The longest time that a timer of the runtime takes; a longer timeout runs without a timer.</summary>
    public static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>The finest unit that fits in eight digits, rounded up so that the server never gives up before the client.</summary>
    public static string Format(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero)
        {
            return "1n";
        }

        // A tick is 100 ns, so microseconds and coarser lose at most one unit.
        ReadOnlySpan<(long Ticks, char Unit)> units =
        [
            (TimeSpan.TicksPerMicrosecond, 'u'), (TimeSpan.TicksPerMillisecond, 'm'), (TimeSpan.TicksPerSecond, 'S'),
            (TimeSpan.TicksPerMinute, 'M'), (TimeSpan.TicksPerHour, 'H'),
        ];
        foreach (var (ticks, unit) in units)
        {
            var count = timeout.Ticks / ticks + (timeout.Ticks % ticks == 0 ? 0 : 1);
            if (count <= MaxDigits)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{MaxDigits}H");
    }

    /// <summary>False when the text is no timeout.</summary>
    public static bool TryParse(string? text, out TimeSpan timeout)
    {
        timeout = default;
        if (text is not { Length: >= 2 and <= 9 }
            || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return false;
        }

        double ticks = text[^1] switch
        {
            'n' => Math.Ceiling(count / 100.0),
            'u' => count * (double)TimeSpan.TicksPerMicrosecond,
            'm' => count * (double)TimeSpan.TicksPerMillisecond,
            'S' => count * (double)TimeSpan.TicksPerSecond,
            'M' => count * (double)TimeSpan.TicksPerMinute,
            'H' => count * (double)TimeSpan.TicksPerHour,
            _ => -1,
        };
        timeout = ticks >= TimeSpan.MaxValue.Ticks ? TimeSpan.MaxValue : TimeSpan.FromTicks((long)ticks);
        return ticks >= 0;
    }
}
