using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Tells a person on standard error what happens in a run that a coordinator elsewhere directs; the pendant of <see cref="RunPrinter"/>.</summary>
internal sealed class RemoteRunPrinter(Screen screen, JobSpec job, TimeProvider time)
{
    private string _reason = "";
    private bool _isTraining;
    private long _lastStep;

    public void Show(RunEvent news)
    {
        if (news.Json.Length > 0)
        {
            Show(JsonDocument.Parse(news.Json).RootElement);
        }
        else if (news.Status.LastStep > 0 && news.Status.Step > 0)
        {
            screen.Progress(() => ProgressLine.Of(news.Status, job.Training.GlobalBatch, time.GetUtcNow()), news.Status.Step >= news.Status.LastStep);
        }
        else if (news.Status.Reason != _reason)
        {
            _reason = news.Status.Reason;
            screen.Line(_reason);
        }
    }

    private void Show(JsonElement line)
    {
        string Text(string name) => line.GetProperty(name).GetString() ?? "";
        var step = line.GetProperty("step").GetInt64();
        switch (Text("event"))
        {
            case "generation.preparing":
                screen.Line($"{string.Join(", ", line.GetProperty("workers").EnumerateArray())} load model and data; instruction set {Text("isa")}.");
                break;
            case "generation.formed" when line.TryGetProperty("secondsSinceLoss", out var seconds) && seconds.ValueKind == JsonValueKind.Number:
                screen.Warning($"{Text("reason")} That took {Quantities.Millis(seconds.GetDouble())}.");
                break;
            case "generation.formed" when _isTraining:
                screen.Line($"G{line.GetProperty("generation")}: {Text("reason")}");
                break;
            case "generation.formed":
                _isTraining = true;
                _lastStep = line.GetProperty("lastStep").GetInt64();
                screen.Line($"Training {job.Name}: {Quantities.Count(line.GetProperty("parameters").GetInt64())} parameters, {Quantities.Count(line.GetProperty("samples").GetInt64())} samples, "
                    + $"steps {line.GetProperty("startStep").GetInt64() + 1} to {line.GetProperty("lastStep").GetInt64()}; {Quantities.Workers(line.GetProperty("workers").GetArrayLength())}, instruction set {Text("isa")}.");
                break;
            case "evaluated" when line.GetProperty("loss").ValueKind == JsonValueKind.Number:
                screen.Line($"step {step}: held-out loss {Quantities.Loss(line.GetProperty("loss").GetDouble())} on {line.GetProperty("samples")} samples");
                break;
            case "checkpoint.failed":
                screen.Warning(RunSentences.Unsaved(step, _lastStep, Text("reason")));
                break;
            case "worker.refused":
                screen.Warning($"{Text("worker")} is not a member: {Text("reason")}");
                break;
            case "worker.lost" when _isTraining:
                // The line of the new generation, or of the pause, tells it with what became of it.
                break;
            case "worker.lost" or "worker.failed":
                screen.Warning($"{Text("worker")} (pid {line.GetProperty("pid")}): {Text("reason")}");
                break;
            case "run.warning" or "run.paused" or "members.silent" or "steps.lost" or "ledger.failed":
                screen.Warning(Text("reason"));
                break;
            case "run.resumed":
                screen.Line(RunSentences.Resumed(step, line.GetProperty("seconds").GetDouble()));
                break;
            case "run.scaled":
                screen.Line(RunSentences.Scaled(line.GetProperty("desiredWorkers").GetInt32()));
                break;
            case "worker.joining":
                screen.Line(RunSentences.Joining(Text("worker"), line.GetProperty("pid").GetInt32(), Text("host"), step));
                break;
            case "run.stopping" or "run.waiting" or "run.share" or "run.passed" or "ledger.mended":
                screen.Line(Text("reason"));
                break;
            case "run.ended":
                screen.KeepLive();
                break;
        }
    }
}
