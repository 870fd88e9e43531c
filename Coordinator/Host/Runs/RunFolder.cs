using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Jobs;
using Orchestrator.Storage.Ledger;
using Orchestrator.Telemetry.Events;
using Orchestrator.Telemetry.TensorBoard;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>What the coordinator keeps of a run on disk: the resolved job, its events, a line per step, TensorBoard's files.</summary>
/// <remarks>Used by the coordinator's actor only, so by one thread at a time. A file is open from its first line until <see cref="Rest"/>. A write that fails is reported and the run goes on.</remarks>
public sealed class RunFolder : IDisposable
{
    public const string JobFile = "job.json";
    public const string EventsFile = "events.jsonl";
    public const string StepsFile = "steps.jsonl";
    public const string TensorBoardFolder = "tensorboard";
    public const string LogsFolder = "logs";

    private readonly KeptFile<LineFile> _events;
    private readonly KeptFile<LineFile> _steps;
    private readonly LedgerFile _ledger;
    private readonly KeptFile<TensorBoardWriter> _scalars;
    private readonly TimeProvider _time;

    private RunFolder(string path, TimeProvider time, Func<bool> mayWrite)
    {
        (Path, _time) = (path, time);
        _events = new KeptFile<LineFile>(() => LineFile.Open(Of(path, EventsFile), mayWrite));
        _steps = new KeptFile<LineFile>(() => LineFile.Open(Of(path, StepsFile), mayWrite));
        _ledger = new LedgerFile(Of(path, LedgerReader.FileName), mayWrite);
        _scalars = new KeptFile<TensorBoardWriter>(() => new TensorBoardWriter(Of(path, TensorBoardFolder), time.GetUtcNow()));
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Lines of events.jsonl so far.</summary>
    public int EventCount { get; private set; }

    /// <summary>Makes the folder with the job in it. A folder that a run has used is continued: its files are appended to.</summary>
    /// <param name="order">What was asked for.</param>
    /// <param name="time">For what is written.</param>
    /// <param name="mayWrite">Asked whenever a file has been opened, for a run that waits has none open: an owner that was frozen finds the next owner's there. Null: always.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static RunFolder Create(RunOrder order, TimeProvider time, Func<bool>? mayWrite = null) => Open(order, time, mayWrite ?? (() => true), isTakenOver: false);

    private static RunFolder Open(RunOrder order, TimeProvider time, Func<bool> mayWrite, bool isTakenOver)
    {
        var path = order.RunDir;
        Directory.CreateDirectory(path);
        var (jobFile, job) = (Of(path, JobFile), JobSpecJson.Write(order.Job) + "\n");
        if (!isTakenOver || !File.Exists(jobFile) || File.ReadAllText(jobFile) != job)
        {
            // On a full disk a file that is written again may be lost, and the run with it.
            File.WriteAllText(jobFile, job);
        }

        // First: a ledger that is damaged is found before anything is written.
        LedgerWriter.Open(Of(path, LedgerReader.FileName), isChecked: !isTakenOver).Dispose();
        // What is torn is cut off, and whoever looks for the files finds them.
        LineFile.Open(Of(path, EventsFile)).Dispose();
        LineFile.Open(Of(path, StepsFile)).Dispose();
        if (System.IO.Path.GetFileName(path) == order.Id.Value)
        {
            LatestLink.Point(path);
        }

        return new RunFolder(path, time, mayWrite) { EventCount = (int)MissedEvents.CountLines(Of(path, EventsFile)) };
    }

    /// <summary>Goes on with a folder that another coordinator may still have open. What that one writes from now on reaches nobody: its files are not these any more.</summary>
    /// <remarks>A process that was frozen in the middle of a write carries it out when it thaws, and nothing can keep it from that.</remarks>
    /// <param name="order">What was asked for.</param>
    /// <param name="time">For what is written.</param>
    /// <param name="mayTake">Asked when the copies are made, in the moment before they take the files' places: one that was frozen since it was given the run must not take it from the next owner.</param>
    /// <param name="stored">Lines of events.jsonl as the store has them, when the file lacks some; null: it lacks none.</param>
    /// <returns>Null when it may not.</returns>
    /// <inheritdoc cref="Create"/>
    public static RunFolder? TakeOver(RunOrder order, TimeProvider time, Func<bool> mayTake, IReadOnlyList<string>? stored = null)
    {
        if (!mayTake())
        {
            return null;
        }

        Directory.CreateDirectory(order.RunDir);
        return IsReplaced(order.RunDir, [EventsFile, StepsFile, LedgerReader.FileName], mayTake, stored) ? Open(order, time, mayTake, isTakenOver: true) : null;
    }

    /// <summary>Completes the events of a run that has ended and is written to by nobody. A folder that was deleted stays so.</summary>
    /// <param name="path">Of the folder.</param>
    /// <param name="stored">As the store has them.</param>
    /// <param name="mayTake">As in <see cref="TakeOver"/>.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Complete(string path, IReadOnlyList<string> stored, Func<bool> mayTake)
    {
        if (IsUsed(path) && mayTake())
        {
            IsReplaced(path, [EventsFile], mayTake, stored);
        }
    }

    /// <returns>False: they may not be.</returns>
    private static bool IsReplaced(string folder, string[] names, Func<bool> mayTake, IReadOnlyList<string>? stored)
    {
        var copies = names.Select(name => Of(folder, name)).Where(path => HasCopy(path, System.IO.Path.GetFileName(path) == EventsFile ? stored : null)).ToArray();
        if (!mayTake())
        {
            Array.ForEach(copies, path => File.Delete(CopyOf(path)));
            return false;
        }

        Array.ForEach(copies, path => File.Move(CopyOf(path), path, overwrite: true));
        return true;
    }

    /// <summary>True when a run has used the folder already.</summary>
    public static bool IsUsed(string path) => File.Exists(Of(path, EventsFile));

    /// <summary>True when a run was to begin there, and its coordinator was lost before it had.</summary>
    public static bool IsEmpty(string path) => new FileInfo(Of(path, EventsFile)) is { Exists: true, Length: 0 };

    /// <param name="record">What happened.</param>
    /// <param name="line">As the store has it, without the newline.</param>
    /// <param name="order">What was asked for.</param>
    public void Append(RunRecord record, string line, RunOrder order)
    {
        _events.Open().Append(Encoding.UTF8.GetBytes($"{line}\n"));
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
            case RunRecord.CheckpointSaved or RunRecord.RunEnded:
                _ledger.Sync();
                break;
        }
    }

    public void Append(StepReport report)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(
            new StepLine(
                _time.GetUtcNow(), report.Step, report.Generation.Number, report.Loss, report.LearningRate, report.GradientNorm, report.Samples, report.SamplesPerSecond,
                report.Seconds.Step, report.Seconds.Data, report.Seconds.Compute, report.Seconds.AllReduce, report.Seconds.Update, report.AllReduceBytes),
            StepOptions);
        _steps.Open().Append([.. line, (byte)'\n']);
        Scalar("train/loss", report.Step, report.Loss);
        Scalar("train/learning_rate", report.Step, report.LearningRate);
        if (report.SamplesPerSecond is { } rate)
        {
            Scalar("train/samples_per_second", report.Step, rate);
        }
    }

    /// <summary>Appends to the ledger. A disk that does not take it is told of in the answer.</summary>
    /// <returns>Null: what it follows is not written, so neither is this.</returns>
    internal LedgerAnswer? Append(RunEffect.AppendLedger effect, RunOrder order) => _ledger.Write(effect, FormerLedger(order));

    /// <summary>Holds no file until something is written again: the run waits.</summary>
    public void Rest()
    {
        _ledger.Close();
        _events.Close();
        _steps.Close();
        _scalars.Close();
    }

    public void Dispose()
    {
        _ledger.Dispose();
        _events.Dispose();
        _steps.Dispose();
        _scalars.Dispose();
    }

    /// <summary>Makes a copy that is to take the place of a file. On a full disk there is none, and the file itself is gone on with.</summary>
    /// <param name="path">Of the file.</param>
    /// <param name="stored">Lines that the copy is to have, too.</param>
    private static bool HasCopy(string path, IReadOnlyList<string>? stored)
    {
        try
        {
            if (stored is not null)
            {
                File.WriteAllLines(CopyOf(path), MissedEvents.Merge(File.Exists(path) ? MissedEvents.ReadLines(path) : [], stored));
                return true;
            }

            if (!File.Exists(path))
            {
                return false;
            }

            File.Copy(path, CopyOf(path), overwrite: true);
            return true;
        }
        catch (IOException)
        {
            File.Delete(CopyOf(path));
            return false;
        }
    }

    private static string Of(string folder, string name) => System.IO.Path.Combine(folder, name);

    private static string CopyOf(string path) => $"{path}.{Environment.ProcessId}";

    /// <summary>Of the run whose checkpoint is gone on from: RUN/ledger beside RUN/checkpoints/step-N.</summary>
    private static string? FormerLedger(RunOrder order) =>
        System.IO.Path.GetDirectoryName(System.IO.Path.GetDirectoryName(order.ResumeFrom)) is { } run ? System.IO.Path.Combine(run, LedgerReader.FileName) : null;

    private void Scalar(string tag, long step, double value) => _scalars.Open().Scalar(tag, step, value, _time.GetUtcNow());

    private static readonly JsonSerializerOptions StepOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>One line of steps.jsonl. The time is when the coordinator knew that it was committed; seconds are those of the slowest member, bytes the sum.</summary>
    private sealed record StepLine(
        DateTimeOffset Time, long Step, long Generation, double Loss, double LearningRate, double GradientNorm, long Samples, double? SamplesPerSecond,
        double StepSeconds, double DataSeconds, double ComputeSeconds, double AllReduceSeconds, double UpdateSeconds, long AllReduceBytes);
}
