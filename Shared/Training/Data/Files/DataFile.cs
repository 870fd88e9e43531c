namespace Orchestrator.Training.Data.Files;

/// <summary>One file of a data set: where it is, and the name under which it enters the data set's hash.</summary>
/// <param name="Name">Relative, with '/' on every system; the same on every host.</param>
/// <param name="Path">Absolute.</param>
public readonly record struct DataFile(string Name, string Path);
