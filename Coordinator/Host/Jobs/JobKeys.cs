namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>Which keys the reading of a job file asked for, and so which written ones nobody knows.</summary>
public sealed class JobKeys
{
    private readonly Dictionary<JobNode.Mapping, Section> _sections = new(ReferenceEqualityComparer.Instance);
    private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);

    /// <summary>The job was resolved already: it has every field of its records, also those that its kinds do not use.</summary>
    public bool IsResolved { get; set; }

    public void Opened(JobNode.Mapping mapping, string path) => _sections.TryAdd(mapping, new Section(path));

    public void Describe(JobNode.Mapping mapping, string owner) => _sections[mapping].Owner = owner;

    public void Known(JobNode.Mapping mapping, string path, string key)
    {
        _sections[mapping].Known.Add(key);
        _paths.Add(path.Length == 0 ? key : $"{path}.{key}");
    }

    /// <summary>Adds an error for every written key that was never asked for, with the key that was probably meant.</summary>
    public void ReportUnknown(JobErrors errors)
    {
        foreach (var (mapping, section) in _sections)
        {
            foreach (var entry in mapping.Entries.Where(entry => !section.Known.Contains(entry.Key)))
            {
                var path = section.Path.Length == 0 ? entry.Key : $"{section.Path}.{entry.Key}";
                var owner = section.Owner is { } named ? $" of {named}" : "";
                errors.Add(entry.Origin, $"{path} is not a key{owner}{Cure(entry.Key, section)}");
            }
        }
    }

    private string Cure(string key, Section section)
    {
        var elsewhere = _paths.FirstOrDefault(path => path.EndsWith("." + key, StringComparison.Ordinal));
        if (NearestKey.Find(key, section.Known) is { } nearest)
        {
            return $"; did you mean '{nearest}'?";
        }

        return elsewhere is not null
            ? $"; did you mean {elsewhere}?"
            : $". Known here: {string.Join(", ", section.Known)}.";
    }

    private sealed class Section(string path)
    {
        public string Path { get; } = path;

        public SortedSet<string> Known { get; } = new(StringComparer.Ordinal);

        public string? Owner { get; set; }
    }
}
