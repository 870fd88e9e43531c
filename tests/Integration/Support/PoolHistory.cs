using System.Globalization;
using System.Text.Json;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>Who had which worker when, from the stored events of runs that shared a pool.</summary>
internal sealed class PoolHistory
{
    /// <summary>Times are written in milliseconds: events this close may stand in another order than they happened in.</summary>
    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(25);

    /// <summary>What may follow from these in the same decision stands behind them.</summary>
    private static readonly string[] First = ["run.queued", "generation.formed", "worker.ready"];

    private readonly List<(DateTimeOffset Time, int Run, JsonElement Event)> _events = [];
    private readonly int _runs;

    public PoolHistory(IReadOnlyList<string> runFolders)
    {
        _runs = runFolders.Count;
        for (var run = 0; run < runFolders.Count; run++)
        {
            foreach (var line in File.ReadLines(Path.Combine(runFolders[run], "events.jsonl")))
            {
                var json = JsonDocument.Parse(line).RootElement;
                _events.Add((DateTimeOffset.Parse(json.GetProperty("time").GetString()!, CultureInfo.InvariantCulture), run, json));
            }
        }

        _events = [.. _events.OrderBy(each => each.Time)];
    }

    /// <summary>A moment at which every decision was carried out: every worker was with a run, none was still to leave for another, and no run was making itself ready, when its members do not change.</summary>
    /// <param name="Time">When.</param>
    /// <param name="Waiting">Runs that were submitted and had no worker.</param>
    /// <param name="Shares">Workers of each run that had some.</param>
    public sealed record Moment(DateTimeOffset Time, int Waiting, IReadOnlyList<int> Shares)
    {
        public override string ToString() => $"{Time:HH:mm:ss.fff}: {string.Join(" ", Shares)}, {Waiting} wait";
    }

    /// <param name="workers">In the pool.</param>
    public IEnumerable<Moment> Moments(int workers)
    {
        var (holds, leaving) = (new HashSet<string>[_runs], new HashSet<string>[_runs]);
        for (var run = 0; run < _runs; run++)
        {
            (holds[run], leaving[run]) = ([], []);
        }

        var (live, preparing) = (new HashSet<int>(), new HashSet<int>());
        for (var i = 0; i < _events.Count; i++)
        {
            var (time, run, json) = _events[i];
            Apply(json, run, live, holds[run], leaving[run]);
            switch (json.GetProperty("event").GetString())
            {
                case "generation.preparing":
                    preparing.Add(run);
                    break;
                case "generation.formed" or "run.waiting" or "run.ended":
                    preparing.Remove(run);
                    break;
            }

            var isComplete = (i + 1 == _events.Count || _events[i + 1].Time - time >= Gap) && !First.Contains(json.GetProperty("event").GetString());
            if (isComplete && preparing.Count == 0 && leaving.All(each => each.Count == 0) && holds.Sum(each => each.Count) == workers)
            {
                yield return new Moment(time, live.Count(each => holds[each].Count == 0), [.. live.Where(each => holds[each].Count > 0).Order().Select(each => holds[each].Count)]);
            }
        }
    }

    private static void Apply(JsonElement json, int run, HashSet<int> live, HashSet<string> holds, HashSet<string> leaving)
    {
        switch (json.GetProperty("event").GetString())
        {
            case "run.queued":
                live.Add(run);
                break;
            case "generation.preparing":
                holds.UnionWith(Workers("workers"));
                break;
            case "worker.joining":
                holds.Add(Worker());
                break;
            case "worker.left" or "worker.lost" or "worker.refused":
                holds.Remove(Worker());
                leaving.Remove(Worker());
                break;
            case "run.share":
                leaving.UnionWith(Workers("leaving").Where(holds.Contains));
                break;
            case "run.waiting" or "run.paused":
                holds.Clear();
                leaving.Clear();
                break;
            case "run.ended":
                live.Remove(run);
                holds.Clear();
                leaving.Clear();
                break;
        }

        string Worker() => json.GetProperty("worker").GetString()!;
        IEnumerable<string> Workers(string name) => json.GetProperty(name).EnumerateArray().Select(worker => worker.GetString()!);
    }
}
