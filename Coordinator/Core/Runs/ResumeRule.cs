using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Whether a resumed run can have the bits of the uninterrupted one: only with the numeric fingerprint of its checkpoint.</summary>
public static class ResumeRule
{
    // What a person can set, and the key of the job file that sets it; the other fields are those of the machine and its libraries.
    private static readonly (string Field, string Key)[] Settings = [("atenCapability", "workers.isa"), ("threads", "workers.threads")];

    /// <param name="order">With the checkpoint's fingerprint, if it is known.</param>
    /// <param name="fingerprint">The members'.</param>
    /// <returns>Null when nothing is to be said; else the sentence, with the fields and both values.</returns>
    public static string? Warn(RunOrder order, ImmutableSortedDictionary<string, string> fingerprint)
    {
        if (order.ResumeFingerprint is not { } former)
        {
            return null;
        }

        var differences = former.Keys.Union(fingerprint.Keys).Order(StringComparer.Ordinal)
            .Where(name => former.GetValueOrDefault(name) != fingerprint.GetValueOrDefault(name)).ToImmutableArray();
        if (differences.IsEmpty)
        {
            return null;
        }

        var fields = differences.Select(name => $"{name} {former.GetValueOrDefault(name, "not given")} and now {fingerprint.GetValueOrDefault(name, "not given")}");
        var cures = Settings.Where(setting => differences.Contains(setting.Field) && former.ContainsKey(setting.Field))
            .Select(setting => $"--set {setting.Key}={former[setting.Field]}").ToImmutableArray();
        return $"The checkpoint {order.ResumeFrom} was trained with another numeric fingerprint: {string.Join(", ", fields)}. "
            + "The weights will differ in their last bits from those of the uninterrupted run."
            + (cures.IsEmpty ? "" : $" Go on as it was trained: {string.Join(' ', cures)}");
    }
}
