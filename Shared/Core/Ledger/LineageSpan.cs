using System.Collections.Immutable;

namespace Orchestrator.Core.Ledger;

/// <summary>The steps that count of one lineage: behind its start, and up to the start of any lineage that came after it.</summary>
/// <param name="Lineage">As the file has it.</param>
/// <param name="EndStep">The last step that counts; a later lineage takes those above it again.</param>
public sealed record LineageSpan(LedgerRecord.Lineage Lineage, long EndStep)
{
    public long StartStep => Lineage.Start.Step;

    /// <param name="lineages">Of one ledger, in its order.</param>
    public static ImmutableArray<LineageSpan> Of(IEnumerable<LedgerRecord.Lineage> lineages)
    {
        var spans = new Stack<LineageSpan>();
        var end = long.MaxValue;
        foreach (var lineage in lineages.Reverse())
        {
            spans.Push(new LineageSpan(lineage, end));
            end = Math.Min(end, lineage.Start.Step);
        }

        return [.. spans];
    }
}
