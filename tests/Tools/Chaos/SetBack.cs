using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>A run that began again behind an older step than it had come to: committed steps were lost.</summary>
/// <param name="Generation">The one that began there.</param>
/// <param name="From">The last step that was committed before.</param>
/// <param name="To">The step behind which it began again.</param>
/// <param name="Said">What the run itself said of it; null: nothing.</param>
internal sealed record SetBack(long Generation, long From, long To, string? Said)
{
    public long LostSteps => From - To;

    /// <summary>For the verdict; in words that follow a colon.</summary>
    public string Describe() => $"generation {Generation} began behind step {To}, and step {From} had been committed; the run said {(Said is null ? "nothing of it" : $"\"{Said}\"")}";

    /// <summary>Each is counted once: what follows in the same count of steps is measured against where it began.</summary>
    /// <param name="events">Of the run, in order.</param>
    /// <param name="steps">That were committed.</param>
    public static IReadOnlyList<SetBack> Of(IReadOnlyList<JsonElement> events, IReadOnlyList<RunStep> steps)
    {
        var loaded = events.Where(each => RunEvents.Name(each) == "generation.preparing").Select(RunEvents.Generation).ToHashSet();
        var (found, highest, lastLoad) = (new List<SetBack>(), 0L, 0L);
        foreach (var each in events.Where(each => RunEvents.Name(each) is "state.compared" or "generation.formed"))
        {
            var (generation, step) = (RunEvents.Generation(each), each.GetProperty("step").GetInt64());
            if (RunEvents.Name(each) == "state.compared")
            {
                highest = Math.Max(highest, step);
                continue;
            }

            // Steps are recorded under the generation that is known then, which may be the one before: only a generation that loads its state is measured by them.
            if (loaded.Contains(generation))
            {
                highest = Math.Max(highest, steps.Where(taken => taken.Generation >= lastLoad && taken.Generation < generation).Select(taken => taken.Step).DefaultIfEmpty(0).Max());
                lastLoad = generation;
            }

            if (step < highest)
            {
                found.Add(new SetBack(generation, highest, step, SaidOf(events, generation)));
            }

            highest = step < highest ? step : Math.Max(highest, step);
        }

        return found;
    }

    private static string? SaidOf(IEnumerable<JsonElement> events, long generation) => events
        .Where(each => RunEvents.Name(each) == "steps.lost" && RunEvents.Generation(each) == generation).Select(each => each.GetProperty("reason").GetString()).FirstOrDefault();
}
