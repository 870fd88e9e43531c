using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Telemetry;

namespace Orchestrator.Deploy.Tests;

/// <summary>The Grafana board as its queries.</summary>
internal static partial class Board
{
    public const string File = BoardQueries.File;

    public static JsonElement Load() => JsonDocument.Parse(Repository.Read(File)).RootElement;

    public static IEnumerable<JsonElement> Panels() => Load().GetProperty("panels").EnumerateArray();

    /// <summary>Every query, with the title of its panel.</summary>
    public static IReadOnlyList<(string Title, string Expression)> Queries() => BoardQueries.Of(Repository.Read(File));

    /// <summary>The instruments that an expression names; a histogram by any of its three series.</summary>
    public static IEnumerable<InstrumentSpec> InstrumentsOf(string expression)
    {
        foreach (Match match in MetricName().Matches(expression))
        {
            yield return All.FirstOrDefault(spec => NamesOf(spec).Contains(match.Value))
                ?? throw new InvalidOperationException($"The board asks for {match.Value}, which nothing records: {expression}");
        }
    }

    public static IReadOnlyList<InstrumentSpec> All { get; } =
        [.. InstrumentNames.OfCoordinator.Union(InstrumentNames.OfWorker).Union(InstrumentNames.OfExposition)];

    private static string[] NamesOf(InstrumentSpec spec) => spec.Kind == InstrumentKind.Histogram
        ? [spec.Name + "_bucket", spec.Name + "_sum", spec.Name + "_count"]
        : [spec.PrometheusName];

    [GeneratedRegex(@"\borchestrator_[a-z_]+\b")]
    private static partial Regex MetricName();
}
