using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Orchestrator.Integration.Tests;

/// <summary>Runs a verb of the command line as a process of its own, the way the launcher does.</summary>
internal static class Command
{
    // The slowest commands here train for under a minute on two busy cores; past this it hangs.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    public static readonly string Root = FindRoot();

    /// <summary>debug or release, as these tests were built.</summary>
    private static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;

    public static string Program(string name) => Path.Combine(Root, "artifacts", "bin", name, Configuration, name + ".dll");

    /// <summary>Runs to the end.</summary>
    public static async Task<CommandResult> RunAsync(string[] arguments, string? folder = null)
    {
        using var process = Start(arguments, folder);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"orchestrator {string.Join(' ', arguments)} has not ended after {Limit}. Its standard error:\n{await error}");
        }

        return new CommandResult(process.ExitCode, await output, await error);
    }

    /// <summary>Starts and leaves running; the caller ends and disposes it.</summary>
    public static Process Start(string[] arguments, string? folder = null)
    {
        var verb = arguments.FirstOrDefault();
        var program = verb is "worker" or "generate" or "evaluate" or "data" or "doctor" ? "Orchestrator.Worker" : "Orchestrator.Coordinator";
        var info = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder ?? Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            Environment = { ["ORCHESTRATOR_WORKER"] = Program("Orchestrator.Worker"), ["NO_COLOR"] = "1" },
        };
        info.ArgumentList.Add(Program(program));
        foreach (var argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        return Process.Start(info)!;
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Orchestrator.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"No Orchestrator.sln above {AppContext.BaseDirectory}.");
        }

        return folder.FullName;
    }
}

/// <summary>How a command ended and what it said.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The last line of standard output as the object that --format json promises.</summary>
    public JsonElement Json => JsonDocument.Parse(Output.TrimEnd().Split('\n')[^1]).RootElement;

    public string LastErrorLine => Error.TrimEnd().Split('\n')[^1];

    public string Text(string property) => Json.GetProperty(property).GetString()!;

    public CommandResult Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, expected {exitCode}\n--- output\n{Output}\n--- error\n{Error}");
        return this;
    }
}
