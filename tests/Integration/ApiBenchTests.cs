using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A small case of the measurement of what clients of the JSON API cost a run: that it works; its times gate nothing.</summary>
public sealed class ApiBenchTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task BenchApi_AFewClients_AllAreAnsweredAndTheControlBurnsAsMuch()
    {
        var result = (await Command.RunAsync(
            "bench", "api", Spirals.Job, "--rounds", "2", "--seconds", "1", "--pollers", "10", "--every", "0.1", "--streams", "5", "--format", "json", "--out", _folder.New("bench"))).Expect(0).Json;

        // Ten clients, ten times a second each, and five streams with a state four times a second: on a busy machine less.
        Assert.InRange(result.GetProperty("statusesPerSecond").GetDouble(), 1, 110);
        // A stream of five gets 4 states a second, those that were held up before a window of one second, and what happens to the run, such as its evaluations: 32.5 were seen, and twice that would be counted twice.
        Assert.InRange(result.GetProperty("eventsPerSecond").GetDouble(), 1, 60);
        foreach (var name in (string[])["stepMillis", "controlStepMillis", "quietStepMillis", "statusMillisP50", "statusMillisP99", "clientCores", "controlCores", "coordinatorCores"])
        {
            Assert.True(result.GetProperty(name) is { ValueKind: JsonValueKind.Number } value && value.GetDouble() > 0, $"{name} is {result.GetProperty(name)}.");
        }
    }

    public void Dispose() => _folder.Dispose();
}
