using System.Globalization;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Whether payloads stay in memory that peers on this host read, by the path of its descriptor.</summary>
internal static class SharingRule
{
    /// <param name="transport">allReduce.transport of the job.</param>
    public static bool IsWished(string transport) => transport is "auto" or "shm";

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
