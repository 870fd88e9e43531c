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
        var ofRun = listings.Where(listing => listing.Manifest?.RunId == runId).OrderBy(listing => listing, CheckpointAge.Instance).ToList();
        return [.. ofRun.Take(Math.Max(0, ofRun.Count - keep)).Where(listing => !kept.Contains(listing.Path))];
    }
}

/// <summary>Orders checkpoints from old to new: a later lineage is newer than any step of the one that it left behind.</summary>
internal sealed class CheckpointAge : IComparer<CheckpointListing>
{
    public static CheckpointAge Instance { get; } = new();

    public int Compare(CheckpointListing? x, CheckpointListing? y)
    {
        var byLineage = (x?.Manifest?.Lineage.Number ?? -1).CompareTo(y?.Manifest?.Lineage.Number ?? -1);
        return byLineage != 0 ? byLineage : (x?.Step ?? -1).CompareTo(y?.Step ?? -1);
    }
}
