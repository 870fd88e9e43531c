namespace Orchestrator.Tools.Chaos;

/// <summary>One line of steps.jsonl.</summary>
/// <param name="Time">When the coordinator knew that it was committed.</param>
/// <param name="Seconds">What its slowest member took for it, waiting included.</param>
internal readonly record struct RunStep(DateTimeOffset Time, long Step, long Generation, long Samples, double Seconds);
