using System.Diagnostics;

namespace Orchestrator.Bulk.Tests.Interop;

/// <summary>A program that we did not write, as a process.</summary>
internal static class Tool
{
    // A run takes about a second; a loaded machine may need much longer to start it.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public static string PeerScript { get; } = Path.Combine(AppContext.BaseDirectory, "Peer", "peer.py");

    public static void NeedPython() => Need("/usr/bin/python3", ["-c", "import grpc, google.protobuf"], "python3 python3-grpcio python3-protobuf");

    /// <summary>Skips the test, with the reason, where a program cannot be run.</summary>
    public static void Need(string program, string[] probe, string packages)
    {
        var isThere = false;
        try
        {
            using var process = Start(program, probe);
            process.StandardInput.Close();
            process.WaitForExit();
            isThere = process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // Not installed.
        }

        Assert.SkipUnless(isThere, $"{program} {string.Join(' ', probe)} cannot be run here. Install it with: apt-get install {packages}");
    }

    public static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        // A proxy of the machine must not stand between two processes on loopback.
        start.Environment["no_proxy"] = "127.0.0.1";
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return Process.Start(start)!;
    }

    /// <summary>Runs it to its end.</summary>
    /// <returns>What it wrote.</returns>
    public static async Task<string> Run(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        return await Finish(process);
    }

    public static async Task<string> Finish(Process process)
    {
        using var limit = new CancellationTokenSource(Limit);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{process.StartInfo.FileName} ended with {process.ExitCode}: {await errors}");
            return output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
