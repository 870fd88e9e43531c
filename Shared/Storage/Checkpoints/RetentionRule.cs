using System.Collections.Immutable;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>Decides which old checkpoints go. Pure.</summary>
/// <remarks>Only those of the run itself are counted and deleted; one that cannot be read is left for a person.</remarks>
public static class RetentionRule
{
    /// <param name="keep">At least 1.</param>
    /// <param name="kept">Folders that stay whatever their age: the one just written, and the one that the run was resumed from.</param>
    /// <returns>Oldest first.</returns>
    public static ImmutableArray<CheckpointListing> ToDelete(
        IEnumerable<CheckpointListing> listings, string runId, int keep, IReadOnlySet<string> kept)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        var ofRun = CheckpointAge.Order(listings.Where(listing => listing.Manifest?.RunId == runId)).ToList();
        return [.. ofRun.Take(Math.Max(0, ofRun.Count - keep)).Where(listing => !kept.Contains(listing.Path))];
    }
}

/// <summary>Orders checkpoints from old to new.</summary>
/// <remarks>
/// Within a run a later lineage is newer than any step of the one that it left behind; no clock has a say. Between runs of one folder the
/// clock of the newest save decides, for there is nothing else. Those that cannot be read come first.
/// </remarks>
internal static class CheckpointAge
{
    public static IEnumerable<CheckpointListing> Order(IEnumerable<CheckpointListing> listings) => listings
        .GroupBy(listing => listing.Manifest?.RunId)
        .OrderBy(run => run.Key is not null)
        .ThenBy(run => run.Max(listing => listing.Manifest?.CreatedAt))
        .ThenBy(run => run.Key, StringComparer.Ordinal)
        .SelectMany(run => run.OrderBy(listing => listing.Manifest?.Lineage.Number).ThenBy(listing => listing.Step));
}
