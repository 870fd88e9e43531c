using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Orchestrator.Storage;
using Orchestrator.Storage.Checkpoints;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`checkpoint`: lists, verifies and exports checkpoints. Works on files; needs no coordinator.</summary>
internal static class CheckpointCommand
{
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create() => new Verb("checkpoint", "Lists, verifies and exports checkpoints.",
            "checkpoint list runs/RUN") { CreateList(), CreateVerify(), CreateExport() };

    private static Command CreateList()
    {
        var path = new Argument<string>("PATH") { Description = "A run folder, or a folder of checkpoints." };
        var format = FormatOption.Create("Standard output: a table, one JSON object, or an object a line.");
        var command = new Verb("list", "Lists the checkpoints of a run, from old to new.",
            "checkpoint list runs/RUN") { path, format };
        command.SetAction(result => Guard(() => List(result.GetValue(path)!, result.GetValue(format))));
        return command;
    }

    private static Command CreateVerify()
    {
        var path = new Argument<string>("PATH") { Description = "A checkpoint; a run folder means its newest one." };
        var format = FormatOption.Create("Standard output: a line, or one JSON object.");
        var command = new Verb("verify", "Reads every byte of a checkpoint and compares it with its manifest. Exit code 1 when it is damaged.",
            "checkpoint verify runs/RUN") { path, format };
        command.SetAction(result => Guard(() => Verify(result.GetValue(path)!, result.GetValue(format))));
        return command;
    }

    private static Command CreateExport()
    {
        var path = new Argument<string>("PATH") { Description = "A checkpoint; a run folder means its newest one." };
        var destination = new Option<string>("--out", "-o") { Description = "The file to write; it must not exist.", HelpName = "FILE", Required = true };
        var format = FormatOption.Create("Standard output: a line, or one JSON object.");
        var command = new Verb("export", "Writes a checkpoint's weights as one safetensors file, which PyTorch and others read.",
            "checkpoint export runs/RUN --out weights.safetensors") { path, destination, format };
        command.SetAction(result => Guard(() => Export(result.GetValue(path)!, result.GetValue(destination)!, result.GetValue(format))));
        return command;
    }

    private static int List(string path, OutputFormat format)
    {
        var full = Path.GetFullPath(path);
        var inRun = Path.Combine(full, CheckpointFiles.FolderInRun);
        if (!Directory.Exists(full))
        {
            throw new UsageException($"There is no folder {full}. Give a run folder, such as runs/RUN.", ExitCodes.NotFound);
        }

        var listings = new CheckpointStore(Directory.Exists(inRun) ? inRun : full).List();
        var rows = listings.Select(listing => new Row(
            listing.Step, listing.Path, listing.Manifest?.WeightsSha256, listing.Manifest?.Files.Sum(file => file.Bytes), listing.Manifest?.CreatedAt, listing.Problem)).ToList();
        switch (format)
        {
            case OutputFormat.Json:
                Console.Out.WriteLine(JsonSerializer.Serialize(new { checkpoints = rows }, JsonOptions));
                break;
            case OutputFormat.Jsonl:
                rows.ForEach(row => Console.Out.WriteLine(JsonSerializer.Serialize(row, JsonOptions)));
                break;
            case OutputFormat.Table when rows.Count == 0:
                Console.Error.WriteLine($"{full} holds no checkpoint.");
                break;
            default:
                Table.Write(["STEP", "WRITTEN", "SIZE", "WEIGHTS", "PATH"], rows.Select(row => new[]
                {
                    $"{row.Step}", row.CreatedAt?.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "-",
                    row.Bytes is { } bytes ? Quantities.Bytes(bytes) : "-", row.WeightsSha256?[..12] ?? "damaged", row.Path,
                }));
                break;
        }

        foreach (var row in rows.Where(row => row.Problem is not null))
        {
            Console.Error.WriteLine(row.Problem);
        }

        return ExitCodes.Done;
    }

    private static int Verify(string path, OutputFormat format)
    {
        var verification = CheckpointStore.Verify(path);
        if (format == OutputFormat.Table)
        {
            Console.Out.WriteLine($"{verification.Path}: {(verification.IsWhole ? "whole" : "damaged")}");
        }
        else
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new
            {
                path = verification.Path, isWhole = verification.IsWhole, step = verification.Manifest?.Step,
                weightsSha256 = verification.Manifest?.WeightsSha256, problems = verification.Problems,
            }));
        }

        foreach (var problem in verification.Problems)
        {
            Console.Error.WriteLine(problem);
        }

        return verification.IsWhole ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static int Export(string path, string destination, OutputFormat format)
    {
        var full = Path.GetFullPath(destination);
        if (Path.Exists(full))
        {
            throw new UsageException($"{full} exists already and is not overwritten. Choose another name with --out, or move it away.");
        }

        // Loading checks every byte; the file inside a whole checkpoint is already in the format that is asked for.
        using var checkpoint = CheckpointStore.Load(path);
        WeightsExport.Copy(Path.Combine(checkpoint.Path, CheckpointFiles.Weights), full);
        Console.Out.WriteLine(format == OutputFormat.Table
            ? $"{full}: weights of step {checkpoint.Manifest.Step}, sha256 {checkpoint.Manifest.WeightsSha256}"
            : JsonSerializer.Serialize(new { path = full, step = checkpoint.Manifest.Step, weightsSha256 = checkpoint.Manifest.WeightsSha256, bytes = new FileInfo(full).Length }));
        return ExitCodes.Done;
    }

    private static int Guard(Func<int> body)
    {
        try
        {
            return body();
        }
        catch (StorageException e)
        {
            throw new UsageException(e.Message, e.Failure == StorageFailure.NotFound ? ExitCodes.NotFound : ExitCodes.Failed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{e.Message} Check the path and its permissions.", ExitCodes.Failed);
        }
    }

    private sealed record Row(long Step, string Path, string? WeightsSha256, long? Bytes, DateTimeOffset? CreatedAt, string? Problem);
}
