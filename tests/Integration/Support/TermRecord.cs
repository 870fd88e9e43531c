using System.Globalization;
using System.Text.RegularExpressions;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>What happened under which term, as the store's history and the logs of all processes have it; and whether anything of an old term took effect after a newer one.</summary>
internal sealed partial class TermRecord
{
    /// <summary>A line of the store's history of a run, in its order.</summary>
    public readonly record struct Write(long Sequence, int Term, string Name, long StoredAt);

    /// <summary>A worker took an order, or was let in, under a term.</summary>
    public readonly record struct Taken(string Worker, DateTimeOffset At, int Term, string What);

    /// <summary>A coordinator had the lease.</summary>
    public readonly record struct Owned(int Coordinator, DateTimeOffset At, int Term);

    public required IReadOnlyList<Write> Writes { get; init; }

    public required IReadOnlyList<Taken> Orders { get; init; }

    public required IReadOnlyList<Owned> Owners { get; init; }

    /// <param name="history">Rows of the store's events: sequence, term, name, stored_at, with tabs between.</param>
    /// <param name="workers">The log of each.</param>
    /// <param name="coordinators">The log of each start of each.</param>
    public static TermRecord Of(string history, IEnumerable<string> workers, IEnumerable<string> coordinators) => new()
    {
        Writes = [.. history.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(row => row.Split('\t')).Select(row => new Write(Long(row[0]), (int)Long(row[1]), row[2], Long(row[3])))],
        Orders = [.. workers.SelectMany((log, i) => TakenLine().Matches(log).Select(line => new Taken(
            $"worker {i + 1}", DateTimeOffset.Parse(line.Groups["at"].Value, CultureInfo.InvariantCulture), (int)Long(line.Groups["term"].Value), line.Groups["what"].Value)))],
        Owners = [.. coordinators.SelectMany((log, i) => OwnedLine().Matches(log).Select(line => new Owned(
            i, DateTimeOffset.Parse(line.Groups["at"].Value, CultureInfo.InvariantCulture), (int)Long(line.Groups["term"].Value))))],
    };

    /// <returns>Everything of an old term that took effect after a newer one; nothing: all is as it should be.</returns>
    public IReadOnlyList<string> Violations()
    {
        var found = new List<string>();
        var newest = new Write(0, 0, "", 0);
        foreach (var write in Writes.OrderBy(write => write.Sequence))
        {
            if (write.Term < newest.Term || write.StoredAt < newest.StoredAt)
            {
                found.Add($"event {write.Sequence} ({write.Name}) was stored under term {write.Term} at {write.StoredAt}, behind event {newest.Sequence} of term {newest.Term} at {newest.StoredAt}");
            }

            newest = write;
        }

        foreach (var term in Owners.GroupBy(owned => owned.Term).Where(term => term.Count() > 1))
        {
            found.Add($"term {term.Key} was owned by coordinators {string.Join(" and ", term.Select(owned => owned.Coordinator))}");
        }

        foreach (var worker in Orders.GroupBy(order => order.Worker))
        {
            // In the order of its log: a worker's own lines.
            found.AddRange(worker.Zip(worker.Skip(1)).Where(pair => pair.Second.Term < pair.First.Term).Select(pair =>
                $"{worker.Key} took {pair.Second.What} of term {pair.Second.Term} behind {pair.First.What} of term {pair.First.Term}"));
        }

        // Of all workers: the logs of one machine have one clock.
        foreach (var order in Orders.Where(order => order.What != WelcomeWords))
        {
            if (Orders.Where(other => other.Term > order.Term && other.What != WelcomeWords && other.At < order.At).Select(other => (Taken?)other).FirstOrDefault() is { } newer)
            {
                found.Add($"{order.Worker} took {order.What} of term {order.Term} at {order.At:HH:mm:ss.fff}, after {newer.Worker} had taken {newer.What} of term {newer.Term} at {newer.At:HH:mm:ss.fff}");
            }
        }

        return found;
    }

    public string Describe() => $"{Writes.Count} stored events, {Orders.Count(order => order.What != WelcomeWords)} orders and {Orders.Count(order => order.What == WelcomeWords)} welcomes under terms "
        + string.Join(", ", Writes.Select(write => write.Term).Concat(Orders.Select(order => order.Term)).Distinct().Order());

    private const string WelcomeWords = "knows this worker as";

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<at>\S+Z) .*The coordinator (?:orders (?<what>\w+)|(?<what>knows this worker as) \S+) under term (?<term>\d+)\.", RegexOptions.Multiline)]
    private static partial Regex TakenLine();

    [GeneratedRegex(@"^(?<at>\S+Z) .*owns the runs under term (?<term>\d+);", RegexOptions.Multiline)]
    private static partial Regex OwnedLine();
}
