using System.Runtime.InteropServices;
using System.Text;

namespace Orchestrator.Worker.Host.Control;

/// <summary>Starts this program's command line afresh in the same process: same id, same terminal, nothing of its memory.</summary>
internal static partial class ProcessImage
{
    /// <summary>Its arrays end with null, as execve needs them. Does not return when it succeeds. Sockets and files close by themselves: .NET opens them with close-on-exec.</summary>
    /// <exception cref="IOException">The system does not do it; says why.</exception>
    public static void Replace()
    {
        var program = File.ResolveLinkTarget("/proc/self/exe", returnFinalTarget: false)?.FullName
            ?? throw new IOException("/proc/self/exe does not tell which program this is.");
        _ = Execve(program, [.. Read("cmdline"), null], [.. WorkerInstance.HandedOn(Read("environ")), null]);
        throw new IOException($"{program} could not be started afresh (errno {Marshal.GetLastPInvokeError()}).");
    }

    /// <summary>Ends the process at once, with what it has open: nothing is run at its end that could wait for a thread that hangs. Does not return.</summary>
    public static int End(int code)
    {
        ExitNow(code);
        return code;
    }

    /// <summary>As the process was started: what was changed since, by pinning libtorch for one, is not in it.</summary>
    private static IEnumerable<string> Read(string name) => Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/self/{name}")).Split('\0').SkipLast(1);

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);

    [LibraryImport("libc", EntryPoint = "execve", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Execve(string program, string?[] arguments, string?[] environment);
}
