using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The keys of <c>data</c>: which ones there are depends on its kind.</summary>
internal static class DataSchema
{
    public static DataSpec? Read(SectionReader section, string projectRoot)
    {
        if (!section.Has("kind"))
        {
            section.Fail("kind", "data.kind is missing; one of text, idx, csv is needed.");
            return null;
        }

        var kind = section.Choice("kind", "", "text", "idx", "csv");
        section.Describe($"data kind {kind}");
        DataSpec? data = kind switch
        {
            "text" => new TextDataSpec(section.Texts("paths", 1, 10_000) ?? MissingPaths(section)),
            "idx" => ReadIdx(section, projectRoot),
            "csv" => ReadCsv(section, projectRoot),
            _ => ReadAnyKind(section),
        };
        return data is null ? null : data with { ValidationShare = section.Number("validationShare", data.ValidationShare, NumberRange.BelowOne) };
    }

    private static System.Collections.Immutable.ImmutableArray<string> MissingPaths(SectionReader section)
    {
        if (!section.Has("paths"))
        {
            section.Fail("paths", "data.paths is missing; a list of file patterns is needed, such as [\"**/*.md\"].");
        }

        return [];
    }

    private static IdxDataSpec ReadIdx(SectionReader section, string projectRoot) =>
        new(RequiredPath(section, "dir", "the folder of train-images-idx3-ubyte and its three companions", projectRoot))
        {
            Download = section.Flag("download", false),
            DrawDigits = section.Whole("drawDigits", 0, 0, 10_000_000),
        };

    private static CsvDataSpec ReadCsv(SectionReader section, string projectRoot)
    {
        var path = RequiredPath(section, "path", "a file with a header line", projectRoot);
        var target = section.Text("target");
        if (target is null && !section.Has("target"))
        {
            section.Fail("target", "data.target is missing; name the column to predict.");
        }

        var separator = section.Text("separator") ?? ",";
        separator = separator == "\\t" ? "\t" : separator;
        if (separator.Length != 1)
        {
            section.Fail("separator", $"data.separator is '{separator}'; one character is needed, such as ';' or \"\\t\".");
        }

        var preset = new CsvDataSpec(path, target ?? "");
        return preset with
        {
            Features = section.Texts("features", 0, 100_000) ?? preset.Features,
            TargetKind = section.Choice("targetKind", preset.TargetKind, "auto", "classes", "value"),
            Separator = separator[0],
        };
    }

    private static string RequiredPath(SectionReader section, string key, string meaning, string projectRoot)
    {
        if (section.Text(key) is { } path)
        {
            return Path.GetFullPath(path, projectRoot);
        }

        if (!section.Has(key))
        {
            section.Fail(key, $"data.{key} is missing; give {meaning}.");
        }

        return projectRoot;
    }

    private static DataSpec? ReadAnyKind(SectionReader section)
    {
        foreach (var key in (ReadOnlySpan<string>)["paths", "dir", "download", "drawDigits", "path", "target", "features", "targetKind", "separator", "validationShare"])
        {
            _ = section.Has(key);
        }

        return null;
    }
}
