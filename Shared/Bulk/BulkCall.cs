namespace Orchestrator.Bulk;

/// <summary>Which stream a call is: said once, in its metadata.</summary>
/// <param name="Run">The run's id.</param>
/// <param name="Generation">The generation whose messages it carries.</param>
/// <param name="Sender">Index of the sender in the generation.</param>
/// <param name="Memory">How to find the memory that the sender shares, in words that only sender and receiver understand: printable ASCII. Null: it shares none.</param>
public readonly record struct BulkCall(string Run, long Generation, int Sender, string? Memory = null);
