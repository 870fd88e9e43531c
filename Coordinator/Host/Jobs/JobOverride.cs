namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>A value that an option of the command line puts into the job file's tree.</summary>
/// <param name="Origin">What errors about it begin with: the option as it was typed.</param>
/// <param name="Path">Dotted path of keys, such as training.steps.</param>
/// <param name="Yaml">The value, as YAML.</param>
public sealed record JobOverride(string Origin, string Path, string Yaml)
{
    /// <param name="typed">a.b=c, as it followed --set.</param>
    /// <exception cref="FormatException">It has no equals sign or no path; the message says what to type.</exception>
    public static JobOverride FromSet(string typed)
    {
        var equals = typed.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || typed[..equals].Split('.').Any(string.IsNullOrWhiteSpace))
        {
            throw new FormatException($"--set {typed}: a dotted path, an equals sign and a value are needed, such as --set training.steps=20.");
        }

        return new JobOverride($"--set {typed}", typed[..equals].Trim(), typed[(equals + 1)..]);
    }

    public static JobOverride Workers(int count) =>
        new($"--workers {count}", "workers.desired", count.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <returns>The tree with the value in it; what cannot be set is added to the errors and the tree stays as it was.</returns>
    public JobNode ApplyTo(JobNode root, JobErrors errors)
    {
        var value = JobYaml.Parse(Yaml, _ => Origin, errors) ?? new JobNode.Scalar(Origin, "", IsQuoted: false);
        var keys = Path.Split('.');
        var changed = Put(root, keys, 0, value, errors);

        // A count of steps replaces a count of epochs and the other way round: exactly one of them may stand.
        return Path switch
        {
            "training.steps" => Remove(changed, "training", "epochs"),
            "training.epochs" => Remove(changed, "training", "steps"),
            _ => changed,
        };
    }

    private JobNode Put(JobNode node, string[] keys, int depth, JobNode value, JobErrors errors)
    {
        if (depth == keys.Length)
        {
            return value;
        }

        var parent = node switch
        {
            JobNode.Mapping mapping => mapping,
            JobNode.Scalar { IsNull: true } => new JobNode.Mapping(Origin, []),
            _ => null,
        };
        if (parent is null)
        {
            var path = string.Join('.', keys[..depth]);
            errors.Add(Origin, $"{path} is {node.Describe()} and has no key '{keys[depth]}'. Set it whole: --set {path}=VALUE.");
            return node;
        }

        var present = parent.Find(keys[depth]);
        var child = Put(present?.Value ?? new JobNode.Scalar(Origin, "", IsQuoted: false), keys, depth + 1, value, errors);
        var entry = new JobEntry(keys[depth], depth == keys.Length - 1 || present is null ? Origin : present.Origin, child);
        return parent with { Entries = present is null ? parent.Entries.Add(entry) : parent.Entries.Replace(present, entry) };
    }

    private static JobNode Remove(JobNode root, string section, string key)
    {
        if (root is not JobNode.Mapping mapping || mapping.Find(section) is not { Value: JobNode.Mapping inner } entry || inner.Find(key) is not { } gone)
        {
            return root;
        }

        return mapping with { Entries = mapping.Entries.Replace(entry, entry with { Value = inner with { Entries = inner.Entries.Remove(gone) } }) };
    }
}
