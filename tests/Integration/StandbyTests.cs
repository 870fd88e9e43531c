using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>Three coordinators on one PostgreSQL and three workers: the owner is killed or frozen, the store is stopped, and the run goes on.</summary>
/// <remarks>How long a take-over took and the longest steps are said in the output; a busy machine makes both longer, so they gate the long test only.</remarks>
public sealed partial class StandbyTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Of the issue: a standby owns the run within this.</summary>
    private static readonly TimeSpan TakeOver = TimeSpan.FromSeconds(3);

    /// <summary>A take-over, the wait for members that do not come back, and a regrouping, on a busy machine.</summary>
    private static readonly TimeSpan Change = TakeOver + TimeSpan.FromSeconds(5);

    private readonly TestFolder _folder = new();

    [Fact]
    public Task Owner_IsKilledTwice_StandbysTakeOverAndTheRunHasTheQuietHash() => KillOwnersAsync(2);

    [Fact]
    [Trait("Category", "Long")]
    public async Task Owner_IsKilledTenTimes_EachTimeAStandbyOwnsTheRunWithinThreeSeconds() => Assert.All(await KillOwnersAsync(10), took => Assert.InRange(took, TimeSpan.Zero, TakeOver));

    [Fact]
    public async Task Owner_DiesTogetherWithAWorker_TheOthersGoOnUnderTheNextOwner()
    {
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 3, workers: 3);
        var (run, runDir) = await set.SubmitAsync(_folder);
        var took = await set.KillOwnerAsync(also: set.Workers[2]);
        await set[set.Owner].WaitForErrorAsync("run.adopted");
        output.WriteLine($"The next owner had the run after {took.TotalSeconds:0.00} s.");

        var events = await set.EndAsync(_folder, run, runDir);
        Assert.Contains(set.Workers[2].Pid, events.Where(line => NameOf(line) == "worker.lost").Select(line => line.GetProperty("pid").GetInt32()));
    }

    [Fact]
    public Task Owner_DiesInTheMiddleOfAChangeOfMembers_TheNextOneDrivesItOn() => ChangeUnderDeathsAsync(1);

    [Fact]
    [Trait("Category", "Long")]
    public async Task Owner_DiesFiveTimesInTheMiddleOfALossAndOfAJoin_EachChangeIsBoundedByTheTakeOver() =>
        Assert.All(await ChangeUnderDeathsAsync(5), took => Assert.InRange(took, TimeSpan.Zero, Change));

    [Fact]
    public Task Owner_IsFrozenAndThaws_ItsOrdersAreRefusedAndItStandsBy() => FreezeOwnerAsync(TimeSpan.FromSeconds(4));

    [Fact]
    [Trait("Category", "Long")]
    public Task Owner_IsFrozenForFifteenSeconds_ItsOrdersAreRefusedAndItStandsBy() => FreezeOwnerAsync(TimeSpan.FromSeconds(15));

    [Fact]
    public Task Store_IsStopped_StepsGoOnRequestsGetAClearErrorAndAllCatchesUp() => StopStoreAsync(TimeSpan.Zero);

    [Fact]
    [Trait("Category", "Long")]
    public Task Store_IsStoppedForTwentySeconds_StepsGoOnRequestsGetAClearErrorAndAllCatchesUp() => StopStoreAsync(TimeSpan.FromSeconds(20));

    [Fact]
    public async Task Standby_EveryVerb_IsAnsweredByTheOwner()
    {
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 2, workers: 1);
        var standby = 1 - set.Owner;
        await set[standby].WaitForErrorAsync("Standing by");
        var submitted = (await set.AskAsync(standby, Spirals.Command("submit", ["training.steps=5"], "--workers", "1", "--format", "json"))).Expect(0);
        var status = (await set.AskAsync(standby, "status", "--format", "json")).Expect(0).Json;
        Assert.Equal(submitted.Text("runId"), status.GetProperty("runs")[0].GetProperty("runId").GetString());
        Assert.Equal(1, status.GetProperty("coordinator").GetProperty("term").GetInt64());
        Assert.NotNull(status.GetProperty("coordinator").GetProperty("passedOnBy").GetString());
        (await set.AskAsync(standby, "status")).Expect(0).ExpectError("owns the runs under term 1", "stands by");
        Assert.Equal(0, (await set.AskAsync(standby, "wait", submitted.Text("runId"))).ExitCode);
        Assert.Contains("run.ended", (await set.AskAsync(standby, "logs", submitted.Text("runId"))).Expect(0).Output, StringComparison.Ordinal);
        (await set.AskAsync(standby, "stop", "unknown")).Expect(6);

        // The JSON API as well: a whole stream of events comes through.
        var token = File.ReadLines(Path.Combine(Command.Configurations, "orchestrator", "tokens")).Single(line => line.StartsWith("viewer ", StringComparison.Ordinal))["viewer ".Length..];
        using var http = new HttpClient
        {
            BaseAddress = new Uri($"http://{Cluster.ReadAddresses(await set[standby].WaitForErrorAsync("listens on")).Http}"), DefaultRequestHeaders = { Authorization = new("Bearer", token) },
        };
        Assert.Contains(submitted.Text("runId"), await http.GetStringAsync("/api/v1/runs", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("event: end\n", await http.GetStringAsync($"/api/v1/runs/{submitted.Text("runId")}/events", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        (await set.AskAsync(standby, "workers")).Expect(0);

        // It ends in order: the other need not wait for the lease to lapse.
        output.WriteLine($"After SIGTERM the next owner had the runs within {(await set.EndOwnerAsync()).TotalSeconds:0.00} s.");
        (await set.AskAsync(standby, "status", submitted.Text("runId"))).Expect(0);
    }

    public void Dispose() => _folder.Dispose();

    private async Task<List<TimeSpan>> KillOwnersAsync(int kills)
    {
        var random = new Random(kills);
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 3, workers: 3);
        var (run, runDir) = await set.SubmitAsync(_folder);
        // Somebody looks on the whole time.
        await using var watch = Command.Start("wait", run, "--format", "json", "--coordinator", set.Addresses);
        var pids = set.Workers.Select(worker => worker.Pid).ToArray();
        var took = new List<TimeSpan>();
        for (var kill = 0; kill < kills; kill++)
        {
            await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * 1.5), TestContext.Current.CancellationToken);
            took.Add(await set.KillOwnerAsync());
            await set[set.Owner].WaitForErrorAsync("run.adopted");
            await set.StartAgainAsync(set.Killed);
        }

        var events = await set.EndAsync(_folder, run, runDir);
        output.WriteLine($"Take-overs: {string.Join(", ", took.Select(each => $"{each.TotalSeconds:0.00}"))} s. {StepGaps.Describe(runDir)}.");
        Assert.Equal("stopped", (await watch.WaitForEndAsync()).Expect(0).Text("state"));
        ExpectNobodyLost(events, kills, set.FindOwner());
        Assert.Empty((await set.RecordAsync(run)).Violations());
        Assert.Equal(pids, set.Workers.Select(worker => worker.Pid));
        return took;
    }

    /// <summary>Each round a worker is killed, then one joins in its place; each time the owner dies at some moment of that.</summary>
    /// <returns>How long each loss took, from the owner's death until the others were in the next generation.</returns>
    private async Task<List<TimeSpan>> ChangeUnderDeathsAsync(int rounds)
    {
        var random = new Random(rounds);
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 3, workers: 3);
        var (run, runDir) = await set.SubmitAsync(_folder);
        var (took, lost) = (new List<TimeSpan>(), new List<int>());
        for (var round = 0; round < rounds; round++)
        {
            lost.Add(set.Workers[2].Pid);
            var before = set.GenerationOf(0);
            set.Workers[2].Send(Signal.Kill);
            // The loss is seen at once and takes some tens of milliseconds.
            await Task.Delay(random.Next(0, 60), TestContext.Current.CancellationToken);
            var startedAt = System.Diagnostics.Stopwatch.GetTimestamp();
            await set.KillOwnerAsync();
            await set.WaitForGenerationAsync(0, before);
            took.Add(System.Diagnostics.Stopwatch.GetElapsedTime(startedAt));
            await set.StartAgainAsync(set.Killed);

            await set.StartWorkerAgainAsync(2);
            var beginning = random.Next(2) == 0 ? "Preparing run" : "orders Follow";
            await set.Workers[2].WaitForErrorAsync(line => line.Contains(beginning, StringComparison.Ordinal), "the beginning of a join");
            await Task.Delay(random.Next(0, 400), TestContext.Current.CancellationToken);
            await set.KillOwnerAsync();
            await set.WaitForGenerationAsync(2, 0);
            await set.StartAgainAsync(set.Killed);
        }

        var events = await set.EndAsync(_folder, run, runDir);
        output.WriteLine($"From the owner's death in the middle of a loss until the others went on: {string.Join(", ", took.Select(each => $"{each.TotalSeconds:0.00}"))} s. {StepGaps.Describe(runDir)}.");
        Assert.Equal(lost.Order(), events.Where(line => NameOf(line) == "worker.lost").Select(line => line.GetProperty("pid").GetInt32()).Intersect(lost).Order());
        var record = await set.RecordAsync(run);
        output.WriteLine(record.Describe());
        Assert.Empty(record.Violations());
        return took;
    }

    private async Task FreezeOwnerAsync(TimeSpan lasting)
    {
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 3, workers: 3);
        var (run, runDir) = await set.SubmitAsync(_folder);
        var thaw = Task.Delay(lasting, TestContext.Current.CancellationToken);
        var (frozen, took) = await set.FreezeOwnerAsync();
        await set[set.Owner].WaitForErrorAsync("run.adopted");
        await thaw;
        set[frozen].Send(Signal.Continue);
        await set[frozen].WaitForErrorAsync("gives no orders any more");
        var refused = await set[frozen].WaitForErrorAsync("were refused");
        await set[frozen].WaitForErrorAsync("Standing by");
        output.WriteLine($"The next owner had the run after {took.TotalSeconds:0.00} s. {refused}");
        (await set.AskAsync(frozen, "status", run)).Expect(0).ExpectError("owns the runs under term", "stands by");

        var events = await set.EndAsync(_folder, run, runDir);
        ExpectNobodyLost(events, 1, set.FindOwner());
        output.WriteLine(StepGaps.Describe(runDir));
        Assert.All(set.Workers, worker => Assert.Contains("was silent for", worker.Error, StringComparison.Ordinal));
        await ExpectTermsKeptAsync(set, run, frozen, refused);
    }

    /// <summary>Nothing of an old term took effect after a newer one, and what was refused is counted.</summary>
    private async Task ExpectTermsKeptAsync(CoordinatorSet set, string run, int thawed, string refused)
    {
        var record = await set.RecordAsync(run);
        output.WriteLine(record.Describe());
        Assert.Empty(record.Violations());
        Assert.True(record.Owners.Count >= 2 && record.Writes.Select(write => write.Term).Distinct().Count() >= 2, "One owner alone has written.");

        // What waited for it when it thawed it may take up before it sees that its time is over, or it sees that first and has nothing to be refused.
        var said = RefusalsSaid().Match(refused);
        Assert.True(said.Success && Number(said, "now") <= Number(said, "all"), $"It says what was refused: {refused}");
        var counted = await CoordinatorSet.CountedAsync(set[thawed], "orchestrator_coordinator_refusals_total");
        Assert.True(counted >= Number(said, "all"), $"{counted} refusals are counted: {refused}");
        foreach (var worker in set.Workers)
        {
            var left = worker.Error.Split('\n').Count(line => line.Contains("Leaving the coordinator: The coordinator has term", StringComparison.Ordinal));
            Assert.Equal(left, await CoordinatorSet.CountedAsync(worker, "orchestrator_worker_refused_coordinators_total"));
        }
    }

    private async Task StopStoreAsync(TimeSpan lasting)
    {
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 3, workers: 3);
        var (run, runDir) = await set.SubmitAsync(_folder);
        await set.Postgres.FallAsync();
        var isOver = Task.Delay(lasting, TestContext.Current.CancellationToken);
        await set[set.Owner].WaitForErrorAsync("gives no orders any more");
        var before = await set.StepsOfAsync(0);
        (await set.AskAsync("status")).Expect(4).ExpectError("No coordinator owns the runs just now", "does not answer", "Check that PostgreSQL runs");
        await isOver;
        var meanwhile = await set.StepsOfAsync(0);
        await set.Postgres.RiseAsync();
        output.WriteLine($"The next owner had the run {(await set.NextOwnerAsync()).TotalSeconds:0.00} s after the store was back.");

        Assert.True(meanwhile > before, $"{before} steps were applied when the owner had given up, and {meanwhile} before the store came back.");

        // The reports of what was trained meanwhile come with the members.
        var events = await set.EndAsync(_folder, run, runDir);
        output.WriteLine($"{meanwhile - before} steps while there was no store and no owner. {StepGaps.Describe(runDir)}");
        ExpectNobodyLost(events, 1, set.FindOwner());
    }

    /// <summary>Ranks may move while nobody looks: then the members are fenced once. But all of them come back.</summary>
    private void ExpectNobodyLost(JsonElement[] events, int takeOvers, int terms)
    {
        var adopted = events.Where(line => NameOf(line) == "run.adopted").ToArray();
        Assert.True(adopted.Length >= takeOvers, $"{adopted.Length} of {takeOvers} owners told that they had taken the run over.");
        if (terms > takeOvers + 1)
        {
            // A lease that lapses while members are still coming back, or being started, costs members; the bits and the ledger are right all the same.
            output.WriteLine($"The machine was starved: {terms} owners for {takeOvers} faults.");
            return;
        }

        var trains = Array.FindIndex(events, line => NameOf(line) == "generation.formed");
        Assert.DoesNotContain(events.Skip(trains), line => NameOf(line) == "worker.lost");
        Assert.All(adopted, line => Assert.DoesNotContain("did not come back", line.GetProperty("reason").GetString(), StringComparison.Ordinal));
    }

    private static string NameOf(JsonElement line) => line.GetProperty("event").GetString()!;

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"by again: (?<now>\d+) changes and orders .* were refused, and (?<all>\d+) refusals are counted")]
    private static partial Regex RefusalsSaid();
}
