using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>Many runs on one pool of standing workers.</summary>
public sealed class PoolTests : IDisposable
{
    private const int Workers = 4;

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Submit_SixRunsOnFourWorkers_AllEndWithTheHashesThatTheyHaveAloneAndTheirSharesAreFair()
    {
        const int steps = 1500;
        string[][] seeds = [.. new[] { 1, 2, 3 }.Select(seed => new[] { $"seed={seed}", $"training.steps={steps}", "checkpoint.everySteps=500", "evaluation.everySteps=0" })];
        var alone = new List<string>();
        foreach (var changes in seeds)
        {
            alone.Add((await Command.RunAsync(Spirals.Command("run", changes, "--workers", "1", "--format", "json", "--out", _folder.New("alone")))).Expect(0).WeightsSha256);
        }

        Assert.Equal(3, alone.Distinct().Count());
        await using var cluster = await Cluster.StartAsync(_folder, Workers);
        var runs = new List<(string Id, string Folder, string Sha256)>();
        for (var i = 0; i < 6; i++)
        {
            var submitted = (await cluster.AskAsync(Spirals.Command("submit", [.. seeds[i % 3], "workers.desired=4", "workers.max=4"], "--no-wait", "--format", "json"))).Expect(0);
            runs.Add((submitted.Text("runId"), submitted.Text("runDir"), alone[i % 3]));
        }

        foreach (var (id, _, sha256) in runs)
        {
            Assert.Equal(sha256, (await cluster.AskAsync("wait", id, "--format", "json")).Expect(0).WeightsSha256);
        }

        var moments = new PoolHistory([.. runs.Select(run => run.Folder)]).Moments(Workers).ToList();
        TestContext.Current.SendDiagnosticMessage(string.Join("\n", moments));
        Assert.True(moments.Count(moment => moment.Shares.Count > 1) >= 5 && moments.Any(moment => moment.Waiting > 0), $"Too few moments with several runs:\n{string.Join("\n", moments)}");
        Assert.All(moments, moment =>
        {
            var fair = Workers / Math.Min(Workers, moment.Shares.Count + moment.Waiting);
            Assert.True(moment.Shares.All(share => share - fair is 0 or 1), $"{moment}; {fair} would be fair");
        });
    }

    [Fact]
    public async Task Status_OfARunThatWaits_SaysItsPlaceAndForWhat()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2);
        async Task<string> SubmitAsync(params string[] changes) =>
            (await cluster.AskAsync(Spirals.Command("submit", [Spirals.Endless, .. changes], "--no-wait", "--format", "json"))).Expect(0).Text("runId");

        var first = await SubmitAsync("workers.min=2", "workers.desired=2");
        (await cluster.AskAsync("wait", first, "--for=state=running", "--timeout", "2m")).Expect(0);
        var (second, third) = (await SubmitAsync("workers.min=1"), await SubmitAsync("workers.min=2", "workers.desired=2", "priority=1"));
        JsonElement Of(JsonElement runs, string id) => runs.GetProperty("runs").EnumerateArray().Single(run => run.GetProperty("runId").GetString() == id);

        var runs = (await cluster.AskAsync("status", "--format", "json")).Expect(0).Json;
        Assert.Equal((1, 2, "It waits for 2 of 2 workers, which the other runs keep. It comes next."),
            (Of(runs, third).GetProperty("queuePlace").GetInt32(), Of(runs, third).GetProperty("missingWorkers").GetInt32(), Of(runs, third).GetProperty("waitsFor").GetString()));
        Assert.Equal((2, 1, $"It waits for 1 of 1 worker, and run {third} comes before it."),
            (Of(runs, second).GetProperty("queuePlace").GetInt32(), Of(runs, second).GetProperty("missingWorkers").GetInt32(), Of(runs, second).GetProperty("waitsFor").GetString()));
        Assert.Equal(JsonValueKind.Null, Of(runs, first).GetProperty("queuePlace").ValueKind);
        Assert.Contains("1: waits for 2 of 2 workers", (await cluster.AskAsync("status")).Expect(0).Output);
        (await cluster.AskAsync("workers")).Expect(0).ExpectError($"Run {third} is number 1 in the queue. It waits for 2 of 2 workers", $"Run {second} is number 2 in the queue.");
        Assert.Contains("place 2.", (await cluster.AskAsync("status", second)).Expect(0).Output);

        (await cluster.AskAsync("stop", first)).Expect(0);
        (await cluster.AskAsync("wait", third, "--for=state=running", "--timeout", "2m")).Expect(0);
        Assert.Equal(1, Of((await cluster.AskAsync("status", "--format", "json")).Expect(0).Json, second).GetProperty("queuePlace").GetInt32());
    }

    [Fact]
    public async Task Submit_WithLabels_IsPlacedOnWorkersThatHaveThemAndSaysWhenNobodyHas()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 1);
        await cluster.AddWorkerAsync("--label", "gpu=h200", "--label", "zone=north");
        async Task<string> SubmitAsync(params string[] changes) =>
            (await cluster.AskAsync(Spirals.Command("submit", ["training.steps=50", .. changes], "--no-wait", "--format", "json"))).Expect(0).Text("runId");

        var (nowhere, north) = (await SubmitAsync("workers.labels.gpu=a100"), await SubmitAsync("workers.labels={gpu: h200, zone: north}"));
        (await cluster.AskAsync("wait", north)).Expect(0);
        await cluster.Coordinator.WaitForErrorAsync($"Run {north} has ended");
        var status = (await cluster.AskAsync("status", nowhere, "--format", "json")).Expect(0).Json;
        Assert.Equal("queued", status.GetProperty("state").GetString());
        Assert.Equal(
            "It waits for 1 of 1 worker: of the 2 that are attached it could use 0. It asks for the labels gpu=a100, which 0 have: start workers with --label gpu=a100. Runs behind it do not wait for it.",
            status.GetProperty("waitsFor").GetString());
        Assert.Contains("gpu=a100, which 0 have", (await cluster.AskAsync("status", nowhere)).Expect(0).Output);

        var workers = (await cluster.AskAsync("workers", "--format", "json")).Expect(0).Json.GetProperty("workers").EnumerateArray().ToDictionary(worker => worker.GetProperty("worker").GetString()!, worker => worker.GetProperty("labels"));
        Assert.Equal(("{}", "{\"gpu\":\"h200\",\"zone\":\"north\"}"), (workers["w-1"].GetRawText(), workers["w-2"].GetRawText()));
        Assert.Contains("gpu=h200,zone=north", (await cluster.AskAsync("workers")).Expect(0).Output);
        var prepared = File.ReadLines(Path.Combine((await cluster.AskAsync("status", north, "--format", "json")).Expect(0).Text("runDir"), "events.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement).First(line => line.GetProperty("event").GetString() == "generation.preparing");
        Assert.Equal(["w-2"], prepared.GetProperty("workers").EnumerateArray().Select(worker => worker.GetString()));

        // Somebody starts one that has it.
        await cluster.AddWorkerAsync("--label", "gpu=a100");
        (await cluster.AskAsync("wait", nowhere)).Expect(0);
    }

    [Fact]
    public async Task Worker_WithALabelThatIsNone_IsAUsageError() =>
        (await Command.RunAsync("worker", "--label", "gpu")).Expect(2).ExpectError("'gpu=' is no label; NAME=VALUE is needed");

    /// <summary>Each run that waited kept four files open, so a queue of some hundred came near to what a process may have open.</summary>
    [Fact]
    public async Task Submit_ThirtyRunsAndNoWorker_TheCoordinatorHasNoneOfTheirFilesOpen()
    {
        const int count = 30;
        await using var cluster = await Cluster.StartAsync(_folder, workers: 0, port: FreePort.Find());
        using var http = Client(cluster);
        (await cluster.AskWhenItOwnsAsync("status")).Expect(0);
        await http.GetAsync("/api/v1/runs");
        var before = OpenFiles.Count(cluster.Coordinator.Pid);
        for (var i = 0; i < count; i++)
        {
            await SubmitAsync(http, i);
        }

        Assert.Empty(OpenFiles.OfRuns(cluster.Coordinator.Pid, cluster.Runs));
        Assert.InRange(OpenFiles.Count(cluster.Coordinator.Pid), 0, before + (count / 2));

        // And no more when the next coordinator has taken them over.
        await cluster.KillAndRestartCoordinatorAsync();
        Assert.Equal(count, (await cluster.AskWhenItOwnsAsync("status", "--format", "json")).Expect(0).Json.GetProperty("runs").EnumerateArray().Count(run => run.GetProperty("queuePlace").ValueKind == JsonValueKind.Number));
        Assert.Empty(OpenFiles.OfRuns(cluster.Coordinator.Pid, cluster.Runs));

        await using var worker = Command.Start("worker", "--coordinator", cluster.Grpc);
        await cluster.Coordinator.WaitForErrorAsync("has ended (succeeded)");
    }

    [Fact]
    public Task Submit_ManyRuns_QueueAndEnd() => QueueAndEndAsync(30);

    /// <summary>The memory of the coordinator when the queue is full, and when it is empty again.</summary>
    [Fact, Trait("Category", "Long")]
    public async Task Submit_FiveHundredRuns_QueueAndEndAndTheCoordinatorsMemoryStaysFlat()
    {
        var megabytes = await QueueAndEndAsync(500);

        // All runs are known from the beginning; what grows beyond that is what each leaves behind when it ends. Collections come when they come: a quarter more is no growth.
        Assert.True(megabytes[^1] < 1.25 * megabytes[1], $"resident MiB: {string.Join(", ", megabytes.Select(each => each.ToString("0", CultureInfo.InvariantCulture)))}");
    }

    public void Dispose() => _folder.Dispose();

    /// <returns>Resident MiB of the coordinator: before the first, when all were submitted, at a quarter, half and three quarters, and at the end.</returns>
    private async Task<List<double>> QueueAndEndAsync(int count)
    {
        await using var cluster = await Cluster.StartAsync(_folder, Workers);
        using var http = Client(cluster);
        var megabytes = new List<double> { ResidentMegabytes(cluster.Coordinator.Pid) };
        var ids = new List<string>();
        for (var i = 0; i < count; i++)
        {
            ids.Add(await SubmitAsync(http, i));
        }

        // Each run that trains has a worker at least, and four files.
        var open = OpenFiles.OfRuns(cluster.Coordinator.Pid, cluster.Runs);
        Assert.True(open.Count <= 4 * Workers, $"{open.Count} files of {count} runs are open:\n{string.Join('\n', open)}");
        megabytes.Add(ResidentMegabytes(cluster.Coordinator.Pid));
        var queued = (await http.GetFromJsonAsync<JsonElement>("/api/v1/runs")).GetProperty("runs").EnumerateArray().Count(run => run.GetProperty("queuePlace").ValueKind == JsonValueKind.Number);
        for (var quarter = 1; quarter <= 4; quarter++)
        {
            foreach (var id in ids.Skip(count * (quarter - 1) / 4).Take((count * quarter / 4) - (count * (quarter - 1) / 4)))
            {
                await cluster.Coordinator.WaitForErrorAsync($"Run {id} has ended");
            }

            megabytes.Add(ResidentMegabytes(cluster.Coordinator.Pid));
        }

        TestContext.Current.SendDiagnosticMessage($"{count} runs, {queued} of them in the queue when the last was submitted, {open.Count} of their files open: resident MiB {string.Join(", ", megabytes.Select(each => each.ToString("0", CultureInfo.InvariantCulture)))}");
        var known = (await cluster.AskAsync("status", "--format", "json")).Expect(0).Json.GetProperty("runs").EnumerateArray().ToList();
        Assert.Equal(Math.Min(count, 200), known.Count);
        Assert.All(known, run => Assert.Equal("succeeded", run.GetProperty("state").GetString()));

        // Equal jobs have equal hashes, whoever else was there.
        Assert.True(known.Select(run => run.GetProperty("weightsSha256").GetString()).Distinct().Count() == 1);
        return megabytes;
    }

    private static HttpClient Client(Cluster cluster)
    {
        var token = File.ReadLines(Path.Combine(Command.Configurations, "orchestrator", "tokens")).Single(line => line.StartsWith("submitter ", StringComparison.Ordinal)).Split(' ')[1];
        return new HttpClient { BaseAddress = new Uri($"http://{cluster.Http}"), DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
    }

    /// <returns>The run's id.</returns>
    private static async Task<string> SubmitAsync(HttpClient http, int number)
    {
        var answer = await http.PostAsJsonAsync("/api/v1/runs", new { job = Job(number) });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("runId").GetString()!;
    }

    private static object Job(int number) => new
    {
        name = $"small-{number}", projectRoot = Command.Root, model = new { kind = "mlp", hidden = new[] { 8 } },
        data = new { kind = "csv", path = Path.Combine(Command.Root, "examples", "data", "spirals.csv"), target = "spiral", validationShare = 0.2 },
        training = new { steps = 100, globalBatch = 32, logicalRanks = 4 },
    };

    private static double ResidentMegabytes(int pid) =>
        long.Parse(File.ReadLines($"/proc/{pid}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024.0;
}
