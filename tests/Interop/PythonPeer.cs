using System.Diagnostics;
using System.Text.Json;

namespace Orchestrator.Interop.Tests;

/// <summary>Debian's python3 with python3-grpcio, as a process. Tests skip with the reason where it is not installed.</summary>
internal static class PythonPeer
{
    private const string Python = "/usr/bin/python3";

    // A whole scenario takes about a second; a loaded machine may need much longer to start Python.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private static readonly Lazy<string?> Missing = new(FindMissing);

    public static void SkipUnlessInstalled() => Assert.SkipUnless(Missing.Value is null, Missing.Value ?? "");

    /// <summary>Runs one scenario of client.py and returns what it printed.</summary>
    public static async Task<JsonElement> CallAsync(Uri server, string scenario)
    {
        using var process = Start("client.py", server.Authority, scenario);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Limit);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"client.py {scenario} did not end within {Limit.TotalSeconds} s.");
        }

        Assert.True(process.ExitCode == 0, $"client.py {scenario} ended with {process.ExitCode}: {await errors}");
        return JsonDocument.Parse(await output).RootElement;
    }

    public static Process Start(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo(Python)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Peer", script));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // A proxy of the machine must not stand between two processes on loopback.
        start.Environment["no_proxy"] = "127.0.0.1";
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return Process.Start(start)!;
    }

    private static string? FindMissing()
    {
        if (!File.Exists(Python))
        {
            return $"{Python} is not there. Install it with: apt-get install python3 python3-grpcio";
        }

        using var probe = Process.Start(new ProcessStartInfo(Python, ["-c", "import grpc"]) { RedirectStandardError = true })!;
        var error = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        return probe.ExitCode == 0
            ? null
            : $"{Python} cannot import grpc ({error.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault()}). Install it with: apt-get install python3-grpcio";
    }
}
