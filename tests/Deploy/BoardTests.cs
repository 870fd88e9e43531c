namespace Orchestrator.Deploy.Tests;

public class BoardTests
{
    [Fact]
    public void Queries_EveryMetric_IsRecordedAndEveryInstrumentIsShown()
    {
        var shown = Board.Queries().SelectMany(query => Board.InstrumentsOf(query.Expression)).ToHashSet();

        Assert.Empty(Board.All.Where(spec => !shown.Contains(spec)).Select(spec => spec.PrometheusName));
    }

    [Fact]
    public void Panels_Ids_AreUniqueAndEveryPanelAsksTheChosenDataSource()
    {
        var panels = Board.Panels().ToList();

        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        foreach (var panel in panels.Where(panel => panel.GetProperty("type").GetString() != "row"))
        {
            Assert.All(
                panel.GetProperty("targets").EnumerateArray().Append(panel),
                item => Assert.Equal("${datasource}", item.GetProperty("datasource").GetProperty("uid").GetString()));
        }
    }

    [Fact]
    public void Panels_Places_DoNotOverlapNorPassTheEdge()
    {
        var taken = new Dictionary<(int X, int Y), string>();
        foreach (var panel in Board.Panels())
        {
            var place = panel.GetProperty("gridPos");
            var title = panel.GetProperty("title").GetString()!;
            int Of(string name) => place.GetProperty(name).GetInt32();
            Assert.InRange(Of("x") + Of("w"), 1, 24);
            for (var x = Of("x"); x < Of("x") + Of("w"); x++)
            {
                for (var y = Of("y"); y < Of("y") + Of("h"); y++)
                {
                    Assert.True(taken.TryAdd((x, y), title), $"'{title}' overlaps '{taken[(x, y)]}' at {x}, {y}");
                }
            }
        }
    }

    [Fact]
    public void Rows_Titles_AreTheAgreedOnes() => Assert.Equal(
        ["Run", "Throughput", "Step and its phases", "All-reduce", "Workers", "Checkpoints", "Evaluation"],
        Board.Panels().Where(panel => panel.GetProperty("type").GetString() == "row").Select(panel => panel.GetProperty("title").GetString()));
}
