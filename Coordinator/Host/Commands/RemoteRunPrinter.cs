using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Tells a person on standard error what happens in a run that a coordinator elsewhere directs; the pendant of <see cref="RunPrinter"/>.</summary>
internal sealed class RemoteRunPrinter(Screen screen, JobSpec job, TimeProvider time)
{
    private string _reason = "";

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
            case "generation.formed":
                screen.Line($"Training {job.Name}: {Quantities.Count(line.GetProperty("parameters").GetInt64())} parameters, {Quantities.Count(line.GetProperty("samples").GetInt64())} samples, "
                    + $"steps {line.GetProperty("startStep").GetInt64() + 1} to {line.GetProperty("lastStep").GetInt64()}; {Quantities.Workers(line.GetProperty("workers").GetArrayLength())}, instruction set {Text("isa")}.");
                break;
            case "evaluated" when line.GetProperty("loss").ValueKind == JsonValueKind.Number:
                screen.Line($"step {step}: held-out loss {Quantities.Loss(line.GetProperty("loss").GetDouble())} on {line.GetProperty("samples")} samples");
                break;
            case "checkpoint.failed":
                screen.Warning($"the checkpoint of step {step} could not be written; the training goes on. {Text("reason")}");
                break;
            case "worker.refused":
                screen.Warning($"{Text("worker")} is not a member: {Text("reason")}");
                break;
            case "worker.lost" or "worker.failed":
                screen.Warning($"{Text("worker")} (pid {line.GetProperty("pid")}): {Text("reason")}");
                break;
            case "run.warning":
                screen.Warning(Text("reason"));
                break;
            case "run.stopping" or "run.waiting":
                screen.Line(Text("reason"));
                break;
            case "run.ended":
                screen.KeepLive();
                break;
        }
    }
}
