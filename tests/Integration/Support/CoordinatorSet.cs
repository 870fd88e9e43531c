using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>Several coordinators on one PostgreSQL, and standing workers that know all of them.</summary>
internal sealed partial class CoordinatorSet : IAsyncDisposable
{
    private readonly RunningCommand[] _coordinators;
    private readonly string[] _addresses;
    private readonly string _runs;
    private readonly List<RunningCommand> _workers = [];
    private readonly List<RunningCommand> _ended = [];
    private readonly List<RunningCommand> _endedWorkers = [];

    private CoordinatorSet(PostgresCluster postgres, string runs, int count)
    {
        (Postgres, _runs, _coordinators) = (postgres, runs, new RunningCommand[count]);
        _addresses = FreePort.Find(count).Select(port => $"127.0.0.1:{port}").ToArray();
    }

    public PostgresCluster Postgres { get; }

    /// <summary>Of all coordinators, for --coordinator.</summary>
    public string Addresses => string.Join(',', _addresses);

    public IReadOnlyList<RunningCommand> Workers => _workers;

    /// <summary>Of the present owner; rises by one with each.</summary>
    public int Term { get; private set; }

    /// <summary>The number of the present owner.</summary>
    public int Owner { get; private set; }

    /// <summary>The number of the owner that was killed last.</summary>
    public int Killed { get; private set; }

    public RunningCommand this[int coordinator] => _coordinators[coordinator];

    /// <returns>When the first owner is known; the workers attach meanwhile.</returns>
    public static async Task<CoordinatorSet> StartAsync(TestFolder folder, int coordinators, int workers)
    {
        var set = new CoordinatorSet(await PostgresCluster.StartAsync(), folder.New("runs"), coordinators);
        try
        {
            for (var i = 0; i < coordinators; i++)
            {
                set.Start(i);
            }

            await set.NextOwnerAsync();
            for (var i = 0; i < workers; i++)
            {
                set._workers.Add(Command.Start("worker", "--coordinator", set.Addresses));
            }

            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    /// <summary>Steps that a worker has applied, as it tells Prometheus itself: nobody else needs to be there.</summary>
    public Task<double> StepsOfAsync(int worker) => CountedAsync(_workers[worker], "orchestrator_worker_steps_total");

    /// <summary>What a process counts for Prometheus.</summary>
    /// <param name="process">A worker, or a coordinator that stands by or owns the runs.</param>
    /// <param name="name">Of a series without labels.</param>
    public static async Task<double> CountedAsync(RunningCommand process, string name)
    {
        using var http = new HttpClient();
        var address = MetricsAddress().Match(process.Error).Groups["at"].Value;
        var line = (await http.GetStringAsync($"http://{address}/metrics")).Split('\n').Single(each => each.StartsWith($"{name} ", StringComparison.Ordinal));
        return double.Parse(line.AsSpan(name.Length + 1), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>What happened to a run under which term.</summary>
    public async Task<TermRecord> RecordAsync(string run) => TermRecord.Of(
        await Postgres.QueryAsync($"SELECT sequence, term, name, stored_at FROM events WHERE run = '{run}' ORDER BY sequence"),
        _workers.Concat(_endedWorkers).Select(worker => worker.Error), _coordinators.Concat(_ended).Distinct().Select(coordinator => coordinator.Error));

    /// <summary>The events of a run as the store has them: its file has the same, whoever died between the two.</summary>
    public async Task<string[]> StoredEventsAsync(string run) =>
        (await Postgres.QueryAsync($"SELECT line FROM events WHERE run = '{run}' ORDER BY sequence")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs a verb that may ask any of them.</summary>
    public Task<CommandResult> AskAsync(params string[] arguments) => Command.RunAsync([.. arguments, "--coordinator", Addresses]);

    /// <summary>Asks one of them.</summary>
    public Task<CommandResult> AskAsync(int coordinator, params string[] arguments) => Command.RunAsync([.. arguments, "--coordinator", _addresses[coordinator]]);

    /// <summary>Puts the spirals in the queue, without an end, and waits until they train.</summary>
    public async Task<(string Run, string Folder)> SubmitAsync(TestFolder folder)
    {
        var runDir = folder.New("run");
        var submitted = (await AskAsync(Spirals.Command(
            "submit", [Spirals.Endless, "checkpoint.everySteps=5000", "workers.min=1"], "--workers", $"{_workers.Count}", "--detach", "--format", "json", "--out", runDir))).Expect(0);
        // A worker that has not begun to train is no member yet: it would drop the run when its coordinator is lost.
        await Task.WhenAll(_workers.Select(worker => worker.WaitForErrorAsync("is in force behind step")));
        return (submitted.Text("runId"), runDir);
    }

    /// <summary>The owner is gone or frozen: waits for the next.</summary>
    /// <param name="former">Who does not count; null: whoever has ended.</param>
    /// <returns>How long it took from the call on.</returns>
    public async Task<TimeSpan> NextOwnerAsync(int? former = null)
    {
        var startedAt = Stopwatch.GetTimestamp();
        var alive = Enumerable.Range(0, _coordinators.Length).Where(i => i != former && !_ended.Contains(_coordinators[i])).ToArray();
        var waits = alive.Select(i => _coordinators[i].WaitForErrorAsync(line => TermOf(line) > Term, $"a term above {Term}")).ToArray();
        var first = await Task.WhenAny(waits);
        await first;
        var took = Stopwatch.GetElapsedTime(startedAt);
        FindOwner();
        return took;
    }

    /// <summary>Whoever has the newest term: on a starved machine a lease may lapse without a fault of ours.</summary>
    /// <returns>Its term: as many owners there have been.</returns>
    public int FindOwner()
    {
        (Term, Owner) = Enumerable.Range(0, _coordinators.Length).Select(i => (_coordinators[i].Error.Split('\n').Select(TermOf).Max(), i)).Max();
        return Term;
    }

    private static int TermOf(string line) => OwnedTerm().Match(line) is { Success: true } owned ? int.Parse(owned.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"(?:for Prometheus on (?<at>\S+);|and on (?<at>\S+) for /api)", RegexOptions.ExplicitCapture)]
    private static partial Regex MetricsAddress();

    [GeneratedRegex(@"owns the runs under term (\d+);")]
    private static partial Regex OwnedTerm();

    /// <summary>Kills the owner, and whoever else is named with it.</summary>
    /// <returns>How long nobody owned the runs.</returns>
    public async Task<TimeSpan> KillOwnerAsync(RunningCommand? also = null)
    {
        FindOwner();
        Killed = Owner;
        _ended.Add(_coordinators[Owner]);
        _coordinators[Owner].Send(Signal.Kill);
        also?.Send(Signal.Kill);
        return await NextOwnerAsync();
    }

    /// <summary>A worker's process is gone: another one takes its place, as a supervisor starts it.</summary>
    public async Task StartWorkerAgainAsync(int worker)
    {
        await _workers[worker].WaitForEndAsync();
        _endedWorkers.Add(_workers[worker]);
        _workers[worker] = Command.Start("worker", "--coordinator", Addresses);
    }

    /// <summary>The newest generation that a worker is in.</summary>
    public long GenerationOf(int worker) => _workers[worker].Error.Split('\n').Select(GenerationIn).Max();

    /// <summary>Until a worker is in a newer generation than that.</summary>
    public Task WaitForGenerationAsync(int worker, long above) => _workers[worker].WaitForErrorAsync(line => GenerationIn(line) > above, $"a generation above {above}");

    private static long GenerationIn(string line) => InForce().Match(line) is { Success: true } found ? long.Parse(found.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"Generation (\d+) is in force behind step")]
    private static partial Regex InForce();

    /// <summary>Ends the owner in order.</summary>
    /// <returns>How long nobody owned the runs.</returns>
    public async Task<TimeSpan> EndOwnerAsync()
    {
        FindOwner();
        var owner = _coordinators[Owner];
        _ended.Add(owner);
        owner.Send(Signal.Terminate);
        var took = await NextOwnerAsync();
        (await owner.WaitForEndAsync()).Expect(0);
        return took;
    }

    /// <summary>Starts one that was killed again, as a supervisor does.</summary>
    public async Task StartAgainAsync(int coordinator)
    {
        await _coordinators[coordinator].WaitForEndAsync();
        Start(coordinator);
        await _coordinators[coordinator].WaitForErrorAsync("Standing by");
    }

    /// <summary>Freezes the owner.</summary>
    /// <returns>Who it was, and how long it took until another owned the runs.</returns>
    public async Task<(int Frozen, TimeSpan Took)> FreezeOwnerAsync()
    {
        FindOwner();
        var frozen = Owner;
        _coordinators[frozen].Send(Signal.Stop);
        return (frozen, await NextOwnerAsync(frozen));
    }

    /// <summary>Stops the run, and compares with the quiet one.</summary>
    /// <param name="folder">For the quiet run.</param>
    /// <param name="run">Its id.</param>
    /// <param name="runDir">Its folder.</param>
    /// <param name="changes">Of the job, that change its bits.</param>
    /// <returns>The events.</returns>
    public async Task<JsonElement[]> EndAsync(TestFolder folder, string run, string runDir, params string[] changes)
    {
        (await AskAsync("stop", run)).Expect(0);
        return await EndedAsync(folder, run, runDir, changes);
    }

    /// <summary>The run has been told to stop: waits for its end, and compares with the quiet one.</summary>
    /// <inheritdoc cref="EndAsync"/>
    public async Task<JsonElement[]> EndedAsync(TestFolder folder, string run, string runDir, params string[] changes)
    {
        Assert.Equal(0, (await AskAsync("wait", run)).ExitCode);
        var status = (await AskAsync("status", run, "--format", "json")).Expect(0).Json;
        Assert.Equal("stopped", status.GetProperty("state").GetString());
        var events = File.ReadAllLines(Path.Combine(runDir, "events.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal("run.ended", events[^1].GetProperty("event").GetString());
        Assert.Equal(await Spirals.QuietHashAsync(folder, status.GetProperty("step").GetInt64(), changes), events[^1].GetProperty("weightsSha256").GetString());
        (await Command.RunAsync("ledger", "verify", runDir)).Expect(0);
        Assert.Equal(await StoredEventsAsync(run), File.ReadAllLines(Path.Combine(runDir, "events.jsonl")));
        return events;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _workers.Concat(_endedWorkers).Concat(_coordinators.Where(each => each is not null)).Concat(_ended).Distinct())
        {
            await process.DisposeAsync();
        }

        await Postgres.DisposeAsync();
    }

    private void Start(int coordinator) => _coordinators[coordinator] = Command.Start(
        "coordinator", "--listen", _addresses[coordinator], "--http", "127.0.0.1:0", "--runs", _runs, "--store", Postgres.ConnectionString);
}
