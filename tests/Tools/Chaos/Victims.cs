using System.Collections.Concurrent;

namespace Orchestrator.Tools.Chaos;

/// <summary>Who may be hit next. The plan promises that somebody who holds the run's state survives, so there must be another member that is known to be well. Any thread.</summary>
/// <remarks>
/// A member that was thawed, or whose network was mended, is not well at once: on a busy machine it may be given up for its silence a moment later. A step that was committed since in a generation that it is in
/// proves that it was there.
/// </remarks>
internal sealed class Victims
{
    /// <summary>Processes that were hit, and when they were mended; null: they are not, or never will be.</summary>
    private readonly ConcurrentDictionary<int, DateTimeOffset?> _hit = [];

    public void Hit(int pid) => _hit[pid] = null;

    public void Mend(int pid, DateTimeOffset at) => _hit[pid] = at;

    /// <param name="members">Process ids of the present generation's members by worker.</param>
    /// <param name="generation">Its number.</param>
    /// <param name="steps">That were committed, in order; without any of this generation nobody who was mended is known to be well.</param>
    /// <returns>Members of whom one may be hit, by worker; empty: nobody would be left.</returns>
    public IReadOnlyList<(string Worker, int Pid)> Of(IReadOnlyDictionary<string, int> members, long generation, IReadOnlyList<RunStep> steps)
    {
        var last = steps.LastOrDefault(step => step.Generation == generation).Time;
        var well = members.Where(member => !_hit.TryGetValue(member.Value, out var mended) || mended < last)
            .OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => (member.Key, member.Value)).ToList();
        return well.Count > 1 ? well : [];
    }
}
