using Orchestrator.Core.Identities;

namespace Orchestrator.Storage.Relational.Tests;

/// <summary>Values that tests vary.</summary>
internal static class Some
{
    public static readonly RunId Run = new("spirals-1");

    /// <summary>Longer than any test.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(30);

    public static RunChange Change(long version) => new()
    {
        Run = Run, Version = version, Order = "{\"seed\":1}", State = "running", Generation = new Generation(version), Snapshot = $"{{\"version\":{version}}}",
    };

    public static RunChange Change(RunId run, long version) => Change(version) with { Run = run };
}
