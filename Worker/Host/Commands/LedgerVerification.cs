using System.Collections.Immutable;
using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage;
using Orchestrator.Storage.Ledger;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>What the proof came to.</summary>
/// <param name="FirstStep">Steps before the ledger's first, which it does not prove.</param>
/// <param name="Epochs">Passes over the training part that are proved.</param>
/// <param name="Problem">Null: the ledger is good.</param>
internal sealed record LedgerFinding(long FirstStep, long StepsVerified, long SamplesVerified, double Epochs, string? Problem);

/// <summary>Reads a run's job, data and ledger again, and compares what was fed with what the sample order asks for.</summary>
internal static class LedgerVerification
{
    private const string JobFile = "job.json";
    private const string EventsFile = "events.jsonl";

    /// <param name="folder">Absolute path of the run.</param>
    /// <exception cref="StorageException">The folder holds no run, or no ledger.</exception>
    /// <exception cref="DataException">The data cannot be read.</exception>
    /// <exception cref="TaskException">The user's task cannot be loaded.</exception>
    public static LedgerFinding Run(string folder)
    {
        var ledger = Path.Combine(folder, LedgerReader.FileName);
        if (!File.Exists(ledger))
        {
            throw new StorageException(StorageFailure.NotFound, ledger, $"{folder} holds no ledger.", "Give a run's folder, such as runs/RUN.");
        }

        try
        {
            return Audit(ledger, JobSpecJson.Read(File.ReadAllText(Path.Combine(folder, JobFile))), LastStepOf(folder));
        }
        catch (StorageException error) when (error.Failure == StorageFailure.Corrupt)
        {
            return new LedgerFinding(0, 0, 0, 0, error.Message);
        }
    }

    private static LedgerFinding Audit(string ledger, JobSpec job, long? ranSteps)
    {
        var lineages = LedgerReader.Read(ledger).OfType<LedgerRecord.Lineage>().ToImmutableArray();
        NumericSetup.Pin(NumericSetup.HighestIsa(), job.Workers.Threads, "cpu");
        using var task = TrainingTaskFactory.Create(job);
        using var data = TaskGuard.Run(task, "OpenData", () => task.OpenData(new TaskContext(job, () => DataSources.Open(job))));
        if (lineages.FirstOrDefault(lineage => Differs(lineage.Start, data) is not null) is { } other)
        {
            return new LedgerFinding(0, 0, 0, 0, Differs(other.Start, data));
        }

        var audit = new LedgerAudit(lineages, (ids, epoch) =>
        {
            using var batch = data.Training.Read(ids.AsSpan(), new SampleStreams(job.Seed, epoch));
            return ImmutableArray.Create(BatchHashes.Of(ids.AsSpan(), batch));
        });
        foreach (var record in LedgerReader.Read(ledger))
        {
            audit.Take(record);
            if (audit.Problem is not null)
            {
                break;
            }
        }

        audit.End(ranSteps);
        return new LedgerFinding(
            audit.FirstStep, audit.StepsVerified, audit.SamplesVerified, audit.SamplesVerified / (double)data.Training.Count, audit.Problem);
    }

    private static string? Differs(LedgerStart start, DataParts data) => (start.SampleCount, start.DataSha256) == (data.Training.Count, data.Sha256)
        ? null
        : $"The data is not that of the run: its SHA-256 is {data.Sha256[..12]}... ({data.Training.Count} samples) and was {start.DataSha256[..Math.Min(12, start.DataSha256.Length)]}... "
            + $"({start.SampleCount} samples). Restore the files, and verify again.";

    /// <summary>The step after which the run ended; null when its events do not end with that.</summary>
    private static long? LastStepOf(string folder)
    {
        var path = Path.Combine(folder, EventsFile);
        if (!File.Exists(path) || File.ReadLines(path).LastOrDefault() is not { } line)
        {
            return null;
        }

        try
        {
            var last = JsonDocument.Parse(line).RootElement;
            return last.GetProperty("event").GetString() == "run.ended" ? last.GetProperty("step").GetInt64() : null;
        }
        catch (JsonException)
        {
            // Torn: the coordinator was killed.
            return null;
        }
    }
}
