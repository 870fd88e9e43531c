namespace Orchestrator.Bulk.Wires;

internal static class ThreadSizes
{
    /// <summary>A stack for threads that hold a few frames of a page or less; receivers that are called on them included.</summary>
    public const int StackBytes = 1024 * 1024;
}
