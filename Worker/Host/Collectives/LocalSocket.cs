using System.Globalization;
using System.Net;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>The Unix socket that belongs to a worker's TCP address: peers on the same host find it without being told.</summary>
internal static class LocalSocket
{
    private static readonly string Folder = Path.Combine(Path.GetTempPath(), $"orchestrator-{Environment.UserName}");

    public static string PathOf(IPEndPoint address) =>
        Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{address.Address}-{address.Port}.sock").Replace(':', '_'));

    /// <summary>A folder that nobody else may enter.</summary>
    /// <exception cref="IOException">It cannot be made, or the system has no such sockets.</exception>
    public static void PrepareFolder()
    {
        if (OperatingSystem.IsWindows())
        {
            throw new IOException("Unix sockets are not used on Windows.");
        }

        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>The path of a peer's socket; null when it is not on this host.</summary>
    public static string? Find(string address) =>
        IPEndPoint.TryParse(address, out var endpoint) && PathOf(endpoint) is var path && File.Exists(path) ? path : null;
}
