using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>The names and fields of events.jsonl. Users' scripts read them: names are added, never changed.</summary>
public static class RunRecordJson
{
    private static readonly JsonWriterOptions LineOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string NameOf(RunRecord record) => record switch
    {
        RunRecord.RunQueued => "run.queued",
        RunRecord.GenerationPreparing => "generation.preparing",
        RunRecord.WorkerRefused => "worker.refused",
        RunRecord.GenerationFormed => "generation.formed",
        RunRecord.WorkerReady => "worker.ready",
        RunRecord.Evaluated => "evaluated",
        RunRecord.StateCompared => "state.compared",
        RunRecord.CheckpointSaved => "checkpoint.saved",
        RunRecord.CheckpointFailed => "checkpoint.failed",
        RunRecord.RunStopping => "run.stopping",
        RunRecord.RunWaiting => "run.waiting",
        RunRecord.LedgerFailed => "ledger.failed",
        RunRecord.LedgerMended => "ledger.mended",
        RunRecord.RunWarned => "run.warning",
        RunRecord.WorkerLost => "worker.lost",
        RunRecord.WorkerFailed => "worker.failed",
        RunRecord.WorkerFinished => "worker.finished",
        RunRecord.WorkerJoining => "worker.joining",
        RunRecord.WorkerLeft => "worker.left",
        RunRecord.RunScaled => "run.scaled",
        RunRecord.ShareLowered => "run.share",
        RunRecord.RunPassed => "run.passed",
        RunRecord.RunPaused => "run.paused",
        RunRecord.MembersSilent => "members.silent",
        RunRecord.StepsLost => "steps.lost",
        RunRecord.RunAdopted => "run.adopted",
        RunRecord.RunResumed => "run.resumed",
        RunRecord.RunEnded => "run.ended",
        _ => throw new ArgumentOutOfRangeException(nameof(record), record.GetType().Name, "This record has no name on disk; give it one."),
    };

    /// <summary>The whole line as the event log writes it.</summary>
    public static string Line(RunRecord record, RunOrder order, DateTimeOffset at)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, LineOptions))
        {
            json.WriteStartObject();
            json.WriteString("time", at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("event", NameOf(record));
            json.WriteNumber("generation", record.Generation.Number);
            json.WriteNumber("step", record.Step);
            WriteFields(json, record, order);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Everything but time, event, generation and step.</summary>
    public static void WriteFields(Utf8JsonWriter json, RunRecord record, RunOrder order)
    {
        switch (record)
        {
            case RunRecord.RunQueued r:
                json.WriteString("runId", order.Id.Value);
                json.WriteString("name", r.Name);
                json.WriteNumber("minWorkers", r.MinWorkers);
                json.WriteNumber("desiredWorkers", r.DesiredWorkers);
                json.WriteNumber("maxWorkers", r.MaxWorkers);
                json.WriteString("resumeFrom", r.ResumeFrom);
                break;
            case RunRecord.GenerationPreparing r:
                WriteWorkers(json, r.Workers);
                json.WriteString("isa", r.Isa);
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.GenerationFormed r:
                WriteFormed(json, r.Formed);
                break;
            case RunRecord.WorkerReady r:
                json.WriteString("worker", r.Worker.Value);
                json.WriteNumber("pid", r.Pid);
                json.WriteString("host", r.Host);
                json.WriteStartArray("logicalRanks");
                foreach (var rank in r.LogicalRanks)
                {
                    json.WriteNumberValue(rank);
                }

                json.WriteEndArray();
                break;
            case RunRecord.Evaluated r:
                WriteNumber(json, "loss", r.Loss);
                WriteNumber(json, "accuracy", r.Accuracy);
                json.WriteNumber("samples", r.Samples);
                break;
            case RunRecord.StateCompared r:
                json.WriteNumber("workers", r.Workers);
                json.WriteString("sha256", r.Sha256);
                break;
            case RunRecord.CheckpointSaved r:
                json.WriteString("worker", r.Worker.Value);
                json.WriteString("path", r.Path);
                json.WriteString("weightsSha256", r.WeightsSha256);
                json.WriteNumber("bytes", r.Bytes);
                WriteNumber(json, "seconds", r.Seconds);
                WriteNumber(json, "stallSeconds", r.StallSeconds);
                break;
            case RunRecord.WorkerFinished r:
                json.WriteString("worker", r.Worker.Value);
                json.WriteNumber("samples", r.Samples);
                json.WriteString("weightsSha256", r.WeightsSha256);
                break;
            case RunRecord.RunEnded r:
                WriteEnded(json, r, order);
                break;
            case RunRecord.WorkerRefused r:
                WriteWorkerReason(json, r.Worker, null, r.Reason);
                break;
            case RunRecord.CheckpointFailed r:
                WriteWorkerReason(json, r.Worker, null, r.Reason);
                break;
            case RunRecord.WorkerLost r:
                WriteWorkerReason(json, r.Worker, r.Pid, r.Reason);
                break;
            case RunRecord.WorkerFailed r:
                WriteWorkerReason(json, r.Worker, r.Pid, r.Reason);
                break;
            case RunRecord.WorkerLeft r:
                WriteWorkerReason(json, r.Worker, r.Pid, r.Reason);
                break;
            case RunRecord.WorkerJoining r:
                json.WriteString("worker", r.Worker.Value);
                json.WriteNumber("pid", r.Pid);
                json.WriteString("host", r.Host);
                break;
            case RunRecord.RunScaled r:
                json.WriteNumber("desiredWorkers", r.Desired);
                break;
            case RunRecord.RunPassed r:
                json.WriteString("by", r.By.Value);
                json.WriteNumber("times", r.Times);
                json.WriteNumber("most", r.Most);
                json.WriteString("reason", $"Run {r.By} needs fewer workers and starts before it: {r.Times} of at most {r.Most} that may.");
                break;
            case RunRecord.ShareLowered r:
                json.WriteNumber("workers", r.Workers);
                json.WriteStartArray("leaving");
                foreach (var worker in r.Leaving)
                {
                    json.WriteStringValue(worker.Value);
                }

                json.WriteEndArray();
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.RunPaused r:
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.MembersSilent r:
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.StepsLost r:
                json.WriteNumber("lostSteps", r.LostSteps);
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.RunAdopted r:
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.RunResumed r:
                WriteNumber(json, "seconds", r.Seconds);
                break;
            case RunRecord.RunStopping r:
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.RunWaiting r:
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.LedgerFailed r:
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.LedgerMended r:
                json.WriteString("reason", r.Reason);
                break;
            case RunRecord.RunWarned r:
                json.WriteString("reason", r.Reason);
                break;
        }
    }

    private static void WriteFormed(Utf8JsonWriter json, Formed formed)
    {
        WriteWorkers(json, formed.Workers);
        json.WriteNumber("logicalRanks", formed.LogicalRanks);
        json.WriteNumber("startStep", formed.StartStep);
        json.WriteNumber("lastStep", formed.LastStep);
        json.WriteNumber("totalSteps", formed.TotalSteps);
        json.WriteString("isa", formed.Isa);
        json.WriteNumber("parameters", formed.ParameterCount);
        json.WriteNumber("bufferBytes", formed.BufferBytes);
        json.WriteNumber("samples", formed.SampleCount);
        json.WriteString("dataSha256", formed.DataSha256);
        json.WriteNumber("targetsPerSample", formed.TargetsPerSample);
        json.WriteString("reason", formed.Why);
        WriteNumber(json, "secondsSinceLoss", formed.SecondsSinceLoss);
        json.WriteNumber("lostLogicalRanks", formed.LostRanks);
    }

    private static void WriteEnded(Utf8JsonWriter json, RunRecord.RunEnded record, RunOrder order)
    {
        json.WriteString("runId", order.Id.Value);
        json.WriteString("state", record.Outcome.Result.ToString().ToLowerInvariant());
        json.WriteString("reason", record.Outcome.Reason);
        json.WriteNumber("exitCode", record.Outcome.ExitCode);
        json.WriteString("weightsSha256", record.Outcome.WeightsSha256);
        WriteNumber(json, "loss", record.Loss);
        WriteNumber(json, "samplesPerSecond", record.SamplesPerSecond);
        json.WriteString("runDir", order.RunDir);
    }

    private static void WriteWorkers(Utf8JsonWriter json, IEnumerable<WorkerId> workers)
    {
        json.WriteStartArray("workers");
        foreach (var worker in workers)
        {
            json.WriteStringValue(worker.Value);
        }

        json.WriteEndArray();
    }

    private static void WriteWorkerReason(Utf8JsonWriter json, WorkerId worker, int? pid, string reason)
    {
        json.WriteString("worker", worker.Value);
        if (pid is { } known)
        {
            json.WriteNumber("pid", known);
        }

        json.WriteString("reason", reason);
    }

    /// <summary>JSON has no NaN and no infinity: such a value is null.</summary>
    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
