using System.Globalization;
using System.Text;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>Names, labels and numbers as Prometheus' text format 0.0.4 wants them.</summary>
/// <remarks>Source: prometheus.io/docs/instrumenting/exposition_formats, "Text-based format".</remarks>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The base name: other characters become '_', the base unit is appended where it is missing, and a counter's <c>_total</c>.</summary>
    public static string NameOf(string instrumentName, string? unit, InstrumentKind kind)
    {
        var name = Sanitize(instrumentName, isMetric: true);
        var isTotal = name.EndsWith("_total", StringComparison.Ordinal);
        var stem = isTotal ? name[..^"_total".Length] : name;
        var suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" when kind == InstrumentKind.Gauge => "_ratio",
            _ => "",
        };
        if (!stem.EndsWith(suffix, StringComparison.Ordinal))
        {
            stem += suffix;
        }
        return kind == InstrumentKind.Counter || isTotal ? stem + "_total" : stem;
    }

    /// <summary><c>a="x",b="y"</c>, sorted by name; empty for no tags. A tag whose value is null or empty is as good as absent.</summary>
    public static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }
        var labels = new List<(string Name, string Value)>(tags.Length);
        foreach (var (key, value) in tags)
        {
            if (value is not null && Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text)
            {
                labels.Add((Sanitize(key, isMetric: false), text));
            }
        }
        labels.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        var builder = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            builder.Append(builder.Length == 0 ? "" : ",").Append(name).Append("=\"");
            Escape(builder, value, quotes: true).Append('"');
        }
        return builder.ToString();
    }

    public static StringBuilder Escape(StringBuilder builder, string text, bool quotes)
    {
        foreach (var character in text)
        {
            _ = character switch
            {
                '\\' => builder.Append("\\\\"),
                '\n' => builder.Append("\\n"),
                '"' when quotes => builder.Append("\\\""),
                _ => builder.Append(character),
            };
        }
        return builder;
    }

    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    // Metrics: [a-zA-Z_:][a-zA-Z0-9_:]*; labels the same without the colon, which is for recording rules.
    private static string Sanitize(string name, bool isMetric)
    {
        var builder = new StringBuilder(name.Length + 1);
        foreach (var character in name)
        {
            builder.Append(char.IsAsciiLetterOrDigit(character) || character == '_' || (isMetric && character == ':') ? character : '_');
        }
        if (builder.Length == 0 || char.IsAsciiDigit(builder[0]))
        {
            builder.Insert(0, '_');
        }
        return builder.ToString();
    }
}
