using System.ComponentModel;
using System.Diagnostics;
using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools.Chaos;

/// <summary>Short commands of the system, such as ip and mount.</summary>
internal static class SystemTool
{
    /// <exception cref="ToolException">It is not installed, or it failed; with what it said.</exception>
    public static async Task RunAsync(string name, params string[] arguments)
    {
        var (code, output) = await TryRunAsync(name, arguments);
        if (code != 0)
        {
            throw new ToolException($"{name} {string.Join(' ', arguments)} ended with exit code {code}: {output.Trim()} Cuts and small disks need root and iproute2.", ExitCodes.Failed);
        }
    }

    /// <returns>The exit code and what it said; 127: it is not installed.</returns>
    public static async Task<(int Code, string Output)> TryRunAsync(string name, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(name, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, output + await error);
        }
        catch (Win32Exception missing)
        {
            return (127, missing.Message);
        }
    }
}
