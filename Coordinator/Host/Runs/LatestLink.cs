using System.Runtime.InteropServices;
using System.Text;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>runs/latest: a link to the newest run folder that was made without --out, so that a command can be typed before a run's id is known.</summary>
internal static class LatestLink
{
    public const string Name = "latest";

    /// <summary>Points the link at the folder, in one step. Where links cannot be made, nothing happens: nobody depends on it but people.</summary>
    /// <param name="runFolder">Absolute; the link stands beside it.</param>
    public static void Point(string runFolder)
    {
        var link = Path.Combine(Path.GetDirectoryName(runFolder)!, Name);
        var next = $"{link}.{Environment.ProcessId}";
        try
        {
            File.Delete(next);
            File.CreateSymbolicLink(next, Path.GetFileName(runFolder));
            if (Rename(Encoding.UTF8.GetBytes(next + "\0"), Encoding.UTF8.GetBytes(link + "\0")) != 0)
            {
                File.Delete(next);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            File.Delete(next);
        }
    }

    /// <summary>File.Move follows a link to a folder and refuses it; the system's own call replaces one link by another at once.</summary>
    [DllImport("libc", EntryPoint = "rename")]
    private static extern int Rename(byte[] from, byte[] to);
}
