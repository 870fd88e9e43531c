using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>How many members that compute have reported how far: a report then costs the same with ten members as with ten thousand.</summary>
/// <param name="Crew">Whom it counts. For another one it is counted anew, once for each change of members.</param>
/// <param name="Counts">Members by the last step that they reported.</param>
public sealed record ReportTally(Crew Crew, ImmutableSortedDictionary<long, int> Counts)
{
    /// <summary>The step that all of them have reported; null: nobody computes.</summary>
    public long? Least => Counts.IsEmpty ? null : Counts.Keys.First();

    /// <param name="progress">With what was counted before.</param>
    /// <param name="crew">Whom to count.</param>
    public static ReportTally Of(RunProgress progress, Crew crew)
    {
        if (progress.Tally is { } known && known.Crew.Members == crew.Members && known.Crew.Ranks == crew.Ranks && known.Crew.JoinedAt == crew.JoinedAt)
        {
            return known;
        }

        var counts = crew.Members.Keys.Where(crew.Computes).CountBy(worker => progress.ReportedBy(worker, crew));
        return new ReportTally(crew, counts.ToImmutableSortedDictionary());
    }

    /// <summary>A member has reported a later step than before.</summary>
    public ReportTally Move(WorkerId worker, long from, long to)
    {
        if (!Crew.Members.ContainsKey(worker) || !Crew.Computes(worker))
        {
            return this;
        }

        var left = Counts[from] - 1;
        var counts = left == 0 ? Counts.Remove(from) : Counts.SetItem(from, left);
        return this with { Counts = counts.SetItem(to, counts.GetValueOrDefault(to) + 1) };
    }
}
