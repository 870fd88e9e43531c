using System.Text.Json;

namespace Orchestrator.Tests.Support;

/// <summary>What the Grafana board asks Prometheus.</summary>
internal static class BoardQueries
{
    public const string File = "deploy/grafana/dashboards/orchestrator.json";

    /// <summary>Every query, with the title of its panel.</summary>
    /// <param name="board">The board's JSON.</param>
    public static IReadOnlyList<(string Title, string Expression)> Of(string board) =>
    [
        .. from panel in JsonDocument.Parse(board).RootElement.GetProperty("panels").EnumerateArray()
           where panel.GetProperty("type").GetString() != "row"
           from target in panel.GetProperty("targets").EnumerateArray()
           select (panel.GetProperty("title").GetString()!, target.GetProperty("expr").GetString()!),
    ];
}
