using System.Globalization;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A real Prometheus, with deploy's own configuration, finds a coordinator and its two workers, and every query of the board gives data.</summary>
public sealed class PrometheusTests : IDisposable
{
    // A histogram of checkpoints needs several in the window, and the workers' series have their run once the list of targets was read again.
    private const int EnoughScrapes = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(500);

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Board_OfAStandingClusterThatTrains_ShowsDataInEveryPanel()
    {
        var program = Tool.Require("prometheus", RunningPrometheus.Package);
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2);
        // It saves and evaluates all the time, so that their rates are never empty.
        await using var submit = Command.Start(Spirals.Command(
            "submit", [Spirals.Endless, "checkpoint.everySteps=50", "evaluation.everySteps=50", "workers.min=2"], "--workers", "2", "--format", "jsonl",
            "--coordinator", cluster.Grpc));
        var runId = (await submit.WaitForEventAsync("run.queued")).GetProperty("runId").GetString()!;
        await submit.WaitForEventAsync("checkpoint.saved");
        await using var prometheus = RunningPrometheus.Start(program, Read(RunningPrometheus.Configuration), cluster.Http);

        var seen = "nothing";
        await prometheus.WaitAsync(
            WaitForScrapesAsync(prometheus, runId, text => seen = text), Patience, () => $"scrapes of {runId} that Prometheus has: {seen}");
        Assert.Empty(await prometheus.FindEmptyAsync(BoardQueries.Of(Read(BoardQueries.File)), runId));
        // The coordinator was found twice, once by its address and once in its own list: all its series were doubled.
        Assert.Equal("3", (await prometheus.QueryAsync("count(up == 1)"))[0].GetProperty("value")[1].GetString());
        Assert.Equal($"[\"{runId}\"]", (await prometheus.GetAsync("label/run/values")).ToString());
        Assert.Equal("""["w-1","w-2"]""", (await prometheus.GetAsync("label/worker/values")).ToString());
        Assert.Equal("""["orchestrator-coordinator","orchestrator-workers"]""", (await prometheus.GetAsync("label/job/values")).ToString());
    }

    public void Dispose() => _folder.Dispose();

    private static string Read(string file) => File.ReadAllText(Path.Combine(Command.Root, file));

    /// <summary>Prometheus tells nobody that it has scraped: it is asked until it has enough of all three.</summary>
    private static async Task WaitForScrapesAsync(RunningPrometheus prometheus, string runId, Action<string> tell)
    {
        using var timer = new PeriodicTimer(AskAgain);
        while (await timer.WaitForNextTickAsync())
        {
            try
            {
                var counts = await prometheus.QueryAsync(
                    $$"""count_over_time(orchestrator_worker_generation{run="{{runId}}"}[1m]) or count_over_time(orchestrator_run_step{run="{{runId}}"}[1m])""");
                tell(counts.ToString());
                if (counts.GetArrayLength() >= 3 && counts.EnumerateArray().All(
                    series => int.Parse(series.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture) >= EnoughScrapes))
                {
                    return;
                }
            }
            catch (HttpRequestException notUpYet)
            {
                tell(notUpYet.Message);
            }
        }
    }
}
