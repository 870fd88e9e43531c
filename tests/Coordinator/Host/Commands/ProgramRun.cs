using System.Diagnostics;

namespace Orchestrator.Coordinator.Tests.Commands;

/// <summary>The real program in its own process: what it printed and how it ended.</summary>
internal sealed record ProgramRun(int ExitCode, string[] Out, string[] Error)
{
    /// <summary>The last line of standard error: the reason of a failure.</summary>
    public string Reason => Error[^1];

    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "Orchestrator.Coordinator.dll");

    public static async Task<ProgramRun> StartAsync(string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Assembly, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        // Not the tokens of whoever runs the tests.
        start.Environment["XDG_CONFIG_HOME"] = Path.Combine(folder, "config");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var (output, error) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new ProgramRun(process.ExitCode, Lines(await output), Lines(await error));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
