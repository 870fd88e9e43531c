using System.Globalization;
using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>What one worker sends to another is lost, and nothing else: all links are made anew once, then one of the two has to go, and the others go on to the quiet run's bits.</summary>
public sealed class OneWayCutTests : IDisposable
{
    private const int Workers = 3;

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Cut_WhatOneWorkerSendsToAnother_OneOfThemIsEvictedAndTheOthersGoOn()
    {
        await using var hosts = await SwitchedHosts.StartAsync(_folder, Workers);
        var address = $"{SwitchedHosts.HubAddress}:7070";
        await using var coordinator = Command.Start(
            hosts.Hub, "coordinator", "--listen", address, "--http", $"{SwitchedHosts.HubAddress}:7071", "--insecure", "--runs", _folder.New("runs"));
        await coordinator.WaitForErrorAsync("without encryption");
        var workers = new List<RunningCommand>();
        try
        {
            for (var host = 0; host < Workers; host++)
            {
                workers.Add(Command.Start(hosts.Hosts[host], "worker", "--coordinator", address, "--listen", $"{SwitchedHosts.AddressOf(host)}:0", "--insecure"));
                await coordinator.WaitForErrorAsync($"Worker w-{host + 1} attached");
            }

            await using var submit = Command.Start(
                hosts.Hub, Spirals.Command("submit", [Spirals.Endless, "checkpoint.everySteps=1000"], "--workers", $"{Workers}", "--format", "jsonl", "--coordinator", address));
            var runId = (await submit.WaitForEventAsync("run.queued")).GetProperty("runId").GetString()!;
            await submit.WaitForEventAsync("checkpoint.saved");
            var cutAt = DateTimeOffset.UtcNow;
            await hosts.CutAsync(0, 1);

            var anew = await submit.WaitForEventAsync("generation.formed", line => line.GetProperty("reason").GetString()!.Contains("all links are made anew", StringComparison.Ordinal));
            var lost = await submit.WaitForEventAsync("worker.lost");
            TestContext.Current.SendDiagnosticMessage(string.Create(
                CultureInfo.InvariantCulture, $"One way cut: links made anew after {Seconds(anew):0.00} s, {lost.GetProperty("worker")} evicted after {Seconds(lost):0.00} s ({lost.GetProperty("reason")})"));
            Assert.Equal("w-2", lost.GetProperty("worker").GetString());
            Assert.Contains("broke again before a step was committed (w-1 and w-2)", lost.GetProperty("reason").GetString(), StringComparison.Ordinal);

            // Steps go on without it.
            await submit.WaitForEventAsync("checkpoint.saved", line => line.GetProperty("generation").GetInt64() > lost.GetProperty("generation").GetInt64());
            await hosts.HealAsync(0, 1);
            (await Command.RunAsync(hosts.Hub, "stop", runId, "--coordinator", address)).Expect(0);
            var ended = JsonDocument.Parse((await submit.WaitForEndAsync()).Expect(0).Output.TrimEnd().Split('\n')[^1]).RootElement;
            Assert.Equal(await Spirals.QuietHashAsync(_folder, ended.GetProperty("step").GetInt64()), ended.GetProperty("weightsSha256").GetString());

            double Seconds(JsonElement line) => (line.GetProperty("time").GetDateTimeOffset() - cutAt).TotalSeconds;
        }
        finally
        {
            foreach (var worker in workers)
            {
                await worker.DisposeAsync();
            }
        }
    }

    public void Dispose() => _folder.Dispose();
}
