using System.Collections.Immutable;
using System.Text;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>A job, or everything that is wrong with it.</summary>
public sealed record JobOutcome(JobSpec? Job, ImmutableArray<JobError> Errors);

/// <summary>Reads a job file with the options that change it.</summary>
public static class JobFile
{
    /// <summary>A job file has a few dozen lines; more than this is another kind of file.</summary>
    public const int MaxBytes = 1 << 20;

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static JobOutcome Read(string path, IReadOnlyList<JobOverride> overrides)
    {
        var errors = new JobErrors();
        if (ReadText(path, errors) is not { } text)
        {
            return new JobOutcome(null, errors.Sorted());
        }

        return Parse(text, path, ProjectRoot.Of(path), overrides);
    }

    /// <param name="text">The file's text.</param>
    /// <param name="path">As a person typed it; errors begin with it.</param>
    /// <param name="projectRoot">Absolute folder from which relative paths start.</param>
    /// <param name="overrides">Applied in order, on top of the file.</param>
    public static JobOutcome Parse(string text, string path, string projectRoot, IReadOnlyList<JobOverride> overrides)
    {
        var errors = new JobErrors();
        var root = JobYaml.Parse(text, line => $"{path}:{line}", errors);
        if (!errors.IsEmpty && root is null)
        {
            return new JobOutcome(null, errors.Sorted());
        }

        root ??= new JobNode.Mapping($"{path}:1", []);
        foreach (var change in overrides)
        {
            root = change.ApplyTo(root, errors);
        }

        return Finish(root, $"{path}:1", Path.GetFileNameWithoutExtension(path), projectRoot, errors);
    }

    /// <summary>Checks a job that a client sends, as strictly as a file.</summary>
    public static JobOutcome FromJson(string json, string origin)
    {
        var errors = new JobErrors();
        if (Encoding.UTF8.GetByteCount(json) > MaxBytes)
        {
            errors.Add(origin, $"The job has more than {MaxBytes} bytes of JSON; a job file has a few thousand.");
            return new JobOutcome(null, errors.Sorted());
        }

        var root = JobJson.Parse(json, origin, errors);
        return root is null ? new JobOutcome(null, errors.Sorted()) : Finish(root, origin, "job", "/", errors);
    }

    private static JobOutcome Finish(JobNode root, string origin, string name, string projectRoot, JobErrors errors)
    {
        var job = JobSchema.Read(root, origin, name, projectRoot, errors);
        return new JobOutcome(errors.IsEmpty ? job : null, errors.Sorted());
    }

    private static string? ReadText(string path, JobErrors errors)
    {
        using var file = File.OpenRead(path);
        if (file.Length > MaxBytes)
        {
            errors.Add($"{path}:1", $"The file has {file.Length} bytes; a job file has at most {MaxBytes}. Is it the right file?");
            return null;
        }

        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        var body = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(Encoding.UTF8.Preamble.Length) : bytes;
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(body);
        }
        catch (DecoderFallbackException e)
        {
            var index = Math.Clamp(e.Index, 0, Math.Max(0, body.Length - 1));
            var line = body[..index].Count((byte)'\n') + 1;
            var value = e.BytesUnknown is { Length: > 0 } unknown ? unknown[0] : body[index];
            errors.Add($"{path}:{line}", $"The byte 0x{value:X2} is not UTF-8. Save the file as UTF-8.");
            return null;
        }
    }
}
