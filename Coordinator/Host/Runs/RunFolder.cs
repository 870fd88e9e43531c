using System.Text.Json;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Ledger;
using Orchestrator.Telemetry.Events;
using Orchestrator.Telemetry.TensorBoard;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>What the coordinator keeps of a run on disk: the resolved job, its events, a line per step, TensorBoard's files.</summary>
/// <remarks>Used by the coordinator's actor only, so by one thread at a time. A write that fails is reported and the run goes on.</remarks>
public sealed class RunFolder : IDisposable
{
    public const string JobFile = "job.json";
    public const string StepsFile = "steps.jsonl";
    public const string TensorBoardFolder = "tensorboard";
    public const string LogsFolder = "logs";

    private readonly EventLog _events;
    private readonly LineFile _steps;
    private readonly LedgerWriter _ledger;
    private readonly TensorBoardWriter _scalars;
    private readonly Stamp _stamp;
    private readonly TimeProvider _time;

    private RunFolder(string path, EventLog events, LineFile steps, LedgerWriter ledger, TensorBoardWriter scalars, Stamp stamp, TimeProvider time) =>
        (Path, _events, _steps, _ledger, _scalars, _stamp, _time) = (path, events, steps, ledger, scalars, stamp, time);

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Lines of events.jsonl so far.</summary>
    public int EventCount { get; private set; }

    /// <summary>Makes the folder with the job in it. A folder that a run has used is continued: its files are appended to.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static RunFolder Create(RunOrder order, TimeProvider time) => Open(order, time, isTakenOver: false);

    private static RunFolder Open(RunOrder order, TimeProvider time, bool isTakenOver)
    {
        var path = order.RunDir;
        Directory.CreateDirectory(path);
        File.WriteAllText(System.IO.Path.Combine(path, JobFile), JobSpecJson.Write(order.Job) + "\n");
        var eventsPath = System.IO.Path.Combine(path, EventLog.FileName);
        // First: a ledger that is damaged is found before anything is written.
        var ledger = LedgerWriter.Open(System.IO.Path.Combine(path, LedgerReader.FileName), isChecked: !isTakenOver);
        var before = File.Exists(eventsPath) ? File.ReadLines(eventsPath).Count() : 0;
        var stamp = new Stamp();
        var events = EventLog.Open(eventsPath, stamp);
        var steps = LineFile.Open(System.IO.Path.Combine(path, StepsFile));
        var scalars = new TensorBoardWriter(System.IO.Path.Combine(path, TensorBoardFolder), time.GetUtcNow());
        if (System.IO.Path.GetFileName(path) == order.Id.Value)
        {
            LatestLink.Point(path);
        }

        return new RunFolder(path, events, steps, ledger, scalars, stamp, time) { EventCount = before };
    }

    /// <summary>Goes on with a folder that another coordinator may still have open. What that one writes from now on reaches nobody: its files are not these any more.</summary>
    /// <remarks>A process that was frozen in the middle of a write carries it out when it thaws, and nothing can keep it from that.</remarks>
    /// <param name="order">What was asked for.</param>
    /// <param name="time">For what is written.</param>
    /// <param name="mayTake">Asked when the copies are made, in the moment before they take the files' places: one that was frozen since it was given the run must not take it from the next owner.</param>
    /// <returns>Null when it may not.</returns>
    /// <inheritdoc cref="Create"/>
    public static RunFolder? TakeOver(RunOrder order, TimeProvider time, Func<bool> mayTake)
    {
        if (!mayTake())
        {
            return null;
        }

        var files = new[] { EventLog.FileName, StepsFile, LedgerReader.FileName }.Select(name => System.IO.Path.Combine(order.RunDir, name)).Where(File.Exists).ToArray();
        var copies = files.Where(HasCopy).ToArray();
        if (!mayTake())
        {
            Array.ForEach(copies, path => File.Delete(CopyOf(path)));
            return null;
        }

        Array.ForEach(copies, path => File.Move(CopyOf(path), path, overwrite: true));
        return Open(order, time, isTakenOver: true);
    }

    /// <summary>True when a run has used the folder already.</summary>
    public static bool IsUsed(string path) => File.Exists(System.IO.Path.Combine(path, EventLog.FileName));

    /// <summary>True when a run was to begin there, and its coordinator was lost before it had.</summary>
    public static bool IsEmpty(string path) => new FileInfo(System.IO.Path.Combine(path, EventLog.FileName)) is { Exists: true, Length: 0 };

    /// <returns>The line that was written, without the newline.</returns>
    public string Append(RunRecord record, RunOrder order)
    {
        _stamp.Now = _time.GetUtcNow();
        var line = RunRecordJson.Line(record, order, _stamp.Now);
        _events.Append(RunRecordJson.NameOf(record), record.Generation.Number, record.Step, json => RunRecordJson.WriteFields(json, record, order));
        EventCount++;
        switch (record)
        {
            case RunRecord.Evaluated evaluated:
                Scalar("evaluation/loss", evaluated.Step, evaluated.Loss);
                if (evaluated.Accuracy is { } accuracy)
                {
                    Scalar("evaluation/accuracy", evaluated.Step, accuracy);
                }

                break;
            case RunRecord.GenerationFormed { Formed.IsLoaded: true } formed:
                // Any other generation goes on from what is held: when it is recorded, its first steps may be committed already.
                _ledger.Begin(StartOf(order, formed.Formed), FormerLedger(order));
                break;
            case RunRecord.CheckpointSaved or RunRecord.RunEnded:
                _ledger.Sync();
                break;
        }

        return line;
    }

    public void Append(StepReport report)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(
            new StepLine(
                _time.GetUtcNow(), report.Step, report.Generation.Number, report.Loss, report.LearningRate, report.GradientNorm, report.Samples, report.SamplesPerSecond,
                report.Seconds.Step, report.Seconds.Data, report.Seconds.Compute, report.Seconds.AllReduce, report.Seconds.Update, report.AllReduceBytes),
            StepOptions);
        _steps.Append([.. line, (byte)'\n']);
        Scalar("train/loss", report.Step, report.Loss);
        Scalar("train/learning_rate", report.Step, report.LearningRate);
        if (report.SamplesPerSecond is { } rate)
        {
            Scalar("train/samples_per_second", report.Step, rate);
        }
    }

    /// <summary>Appends to the ledger; the run's first generation was formed before.</summary>
    public void Append(RunEffect.AppendLedger fed) => _ledger.Append(fed.Reports);

    public void Dispose()
    {
        _ledger.Dispose();
        _events.Dispose();
        _steps.Dispose();
        _scalars.Dispose();
    }

    /// <summary>Makes a copy that is to take the place of a file. On a full disk there is none, and the file itself is gone on with.</summary>
    private static bool HasCopy(string path)
    {
        try
        {
            File.Copy(path, CopyOf(path), overwrite: true);
            return true;
        }
        catch (IOException)
        {
            File.Delete(CopyOf(path));
            return false;
        }
    }

    private static string CopyOf(string path) => $"{path}.{Environment.ProcessId}";

    private static LedgerStart StartOf(RunOrder order, Formed formed) => new(
        order.Id, formed.StartStep, order.Job.Seed, order.Job.Training.GlobalBatch, formed.LogicalRanks, order.Job.Training.Epochs, formed.SampleCount,
        formed.DataSha256);

    /// <summary>Of the run whose checkpoint is gone on from: RUN/ledger beside RUN/checkpoints/step-N.</summary>
    private static string? FormerLedger(RunOrder order) =>
        System.IO.Path.GetDirectoryName(System.IO.Path.GetDirectoryName(order.ResumeFrom)) is { } run ? System.IO.Path.Combine(run, LedgerReader.FileName) : null;

    private void Scalar(string tag, long step, double value) => _scalars.Scalar(tag, step, value, _time.GetUtcNow());

    private static readonly JsonSerializerOptions StepOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Gives the line on disk and the one that watchers see the same time.</summary>
    private sealed class Stamp : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }

    /// <summary>One line of steps.jsonl. The time is when the coordinator knew that it was committed; seconds are those of the slowest member, bytes the sum.</summary>
    private sealed record StepLine(
        DateTimeOffset Time, long Step, long Generation, double Loss, double LearningRate, double GradientNorm, long Samples, double? SamplesPerSecond,
        double StepSeconds, double DataSeconds, double ComputeSeconds, double AllReduceSeconds, double UpdateSeconds, long AllReduceBytes);
}
