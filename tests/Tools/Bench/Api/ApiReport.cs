using System.Globalization;
using System.Text.Json;

namespace Orchestrator.Tools.Bench.Api;

/// <summary>What `bench api` says at its end.</summary>
internal static class ApiReport
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Write(Load load, IReadOnlyList<ApiWindow> calls, IReadOnlyList<ApiWindow> controls, IReadOnlyList<ApiWindow> quiet, string format)
    {
        var answers = calls.SelectMany(window => window.Answers).Select(seconds => seconds * 1000).ToArray();
        var seconds = load.Window.TotalSeconds * calls.Count;
        var result = new
        {
            load.Pollers, load.Streams,
            StepMillis = Median(calls, window => window.StepSeconds * 1000), ControlStepMillis = Median(controls, window => window.StepSeconds * 1000),
            QuietStepMillis = Median(quiet, window => window.StepSeconds * 1000),
            Slowdown = Statistics.Median(calls.Zip(controls, (call, control) => call.StepSeconds / control.StepSeconds)) - 1,
            SlowdownAgainstQuiet = Statistics.Median(calls.Zip(quiet, (call, nothing) => call.StepSeconds / nothing.StepSeconds)) - 1,
            StatusesPerSecond = answers.Length / seconds, EventsPerSecond = calls.Sum(window => window.News) / seconds,
            StatusMillisP50 = Statistics.Percentile(answers, 0.5), StatusMillisP99 = Statistics.Percentile(answers, 0.99), StatusMillisMax = Statistics.Percentile(answers, 1),
            ClientCores = Median(calls, window => window.ClientShare), ControlCores = Median(controls, window => window.ClientShare),
            CoordinatorCores = Median(calls, window => window.CoordinatorShare), CoordinatorCoresInControl = Median(controls, window => window.CoordinatorShare),
        };
        Console.WriteLine(format == "json" ? JsonSerializer.Serialize(result, Options) : string.Create(
            CultureInfo.InvariantCulture,
            $"""
            clients                     {load.Pollers} that poll ({result.StatusesPerSecond:0} statuses/s), {load.Streams} that follow events ({result.EventsPerSecond:0} events/s)
            step while they call        {result.StepMillis:0.00} ms
            control                     {result.ControlStepMillis:0.00} ms
            nothing beside the run      {result.QuietStepMillis:0.00} ms
            slower by                   {result.Slowdown * 100:0.0} % than the control, {result.SlowdownAgainstQuiet * 100:0.0} % than with nothing beside it (medians of {calls.Count})
            status                      p50 {result.StatusMillisP50:0.0} ms, p99 {result.StatusMillisP99:0.0} ms, longest {result.StatusMillisMax:0.0} ms
            processor of the clients    {result.ClientCores:0.00} cores; control {result.ControlCores:0.00}
            processor of coordinator    {result.CoordinatorCores:0.00} cores; control {result.CoordinatorCoresInControl:0.00}
            """));
    }

    private static double Median(IEnumerable<ApiWindow> windows, Func<ApiWindow, double> value) => Statistics.Median(windows.Select(value));
}
