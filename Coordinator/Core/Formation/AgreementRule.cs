using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Formation;

/// <summary>Which of the prepared workers agree, and why the others may not be members.</summary>
/// <param name="Agreed">By id.</param>
/// <param name="Refusals">By id; each names the fields and both values.</param>
public readonly record struct AgreementDecision(ImmutableArray<WorkerId> Agreed, ImmutableArray<Refusal> Refusals);

/// <summary>Members must start from the same data, the same state and the same arithmetic, or the bits would silently differ.</summary>
public static class AgreementRule
{
    /// <summary>The largest group that agrees in every field stays; of groups of the same size the one with the lowest id.</summary>
    public static AgreementDecision Decide(ImmutableSortedDictionary<WorkerId, WorkerMessage.Prepared> prepared)
    {
        var groups = prepared
            .GroupBy(entry => string.Join('\n', Fields(entry.Value).Select(field => $"{field.Name}={field.Value}")), StringComparer.Ordinal)
            .OrderByDescending(group => group.Count()).ThenBy(group => group.Min(entry => entry.Key))
            .ToImmutableArray();
        ImmutableArray<WorkerId> agreed = [.. groups[0].Select(entry => entry.Key)];
        var model = prepared[agreed[0]];
        return new AgreementDecision(agreed,
        [
            .. groups.Skip(1).SelectMany(group => group).OrderBy(entry => entry.Key)
                .Select(entry => new Refusal(entry.Key, Explain(entry.Key, entry.Value, string.Join(", ", agreed), model))),
        ]);
    }

    /// <summary>Whether a joiner may come in.</summary>
    /// <returns>Null when it agrees in every field with what the members said; else the sentence.</returns>
    public static string? WhyNot(WorkerId worker, WorkerMessage.Prepared its, WorkerMessage.Prepared theirs) =>
        Fields(its).SequenceEqual(Fields(theirs)) ? null : Explain(worker, its, "the members", theirs);

    /// <summary>Whether a worker may go on with a run from one of its checkpoints: data and arithmetic must be those that the run began with.</summary>
    /// <returns>Null when it may; else the sentence.</returns>
    public static string? WhyNotLater(WorkerId worker, WorkerMessage.Prepared its, WorkerMessage.Prepared theirs) => WhyNot(
        worker, its with { AppliedSteps = theirs.AppliedSteps, CanarySha256 = theirs.CanarySha256, StateSha256 = theirs.StateSha256 }, theirs);

    private static string Explain(WorkerId worker, WorkerMessage.Prepared its, string others, WorkerMessage.Prepared theirs)
    {
        var expected = Fields(theirs).ToDictionary(field => field.Name, field => field.Value, StringComparer.Ordinal);
        var found = Fields(its).ToDictionary(field => field.Name, field => field.Value, StringComparer.Ordinal);
        var differences = expected.Keys.Union(found.Keys).Order(StringComparer.Ordinal)
            .Where(name => expected.GetValueOrDefault(name) != found.GetValueOrDefault(name))
            .Select(name => $"{name} is {Shorten(found.GetValueOrDefault(name))} and not {Shorten(expected.GetValueOrDefault(name))}")
            .ToImmutableArray();
        return $"worker {worker} does not agree with {others}: {string.Join("; ", differences)}. {Cure(differences)}";
    }

    /// <summary>The first field that explains the others: other data also change the canary, other arithmetic too.</summary>
    private static string Cure(ImmutableArray<string> differences)
    {
        return Has("data") ? "Give every host the same data files at the same path."
            : Has("fingerprint") ? "Use the same libtorch and the same kind of device on every host."
            : Has("state") || Has("applied") ? "Make sure that every host reads the same checkpoint and runs the same build."
            : "Use the same build, libtorch and kind of processor on every host.";

        bool Has(string field) => differences.Any(text => text.StartsWith(field, StringComparison.Ordinal));
    }

    /// <summary>What must be the same on all members. Buffer sizes and the like follow from these.</summary>
    private static IEnumerable<(string Name, string Value)> Fields(WorkerMessage.Prepared m)
    {
        yield return ("applied steps", m.AppliedSteps.ToString(CultureInfo.InvariantCulture));
        yield return ("canary gradient", m.CanarySha256);
        yield return ("data samples", m.SampleCount.ToString(CultureInfo.InvariantCulture));
        yield return ("data sha256", m.DataSha256);
        yield return ("parameters", m.ParameterCount.ToString(CultureInfo.InvariantCulture));
        yield return ("state sha256", m.StateSha256);
        foreach (var (name, value) in m.Fingerprint)
        {
            yield return ($"fingerprint {name}", value);
        }
    }

    /// <summary>Twelve digits tell two hashes apart for a person; all 64 would hide the sentence.</summary>
    private static string Shorten(string? value) => value switch
    {
        null => "absent",
        { Length: 64 } => value[..12],
        _ => value,
    };
}
