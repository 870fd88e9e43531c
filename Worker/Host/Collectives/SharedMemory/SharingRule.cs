using System.Globalization;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Whether two processes on one host can read each other's memory by the path of its descriptor.</summary>
internal static class SharingRule
{
    /// <summary>Both see the same processes, and this one may look into the other: then the other may look into this one too.</summary>
    /// <param name="process">The peer's number, as seen from here.</param>
    public static bool Allows(int process)
    {
        try
        {
            var own = new FileInfo("/proc/self/ns/pid").LinkTarget;
            return MemoryCalls.AreUsable && own is not null
                && new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/ns/pid")).LinkTarget == own;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
