using System.Diagnostics;
using System.Text;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>Runs a verb of the command line as a process of its own, the way the launcher does.</summary>
internal static class Command
{
    public static readonly string Root = FindRoot();

    /// <summary>debug or release, as these tests were built.</summary>
    public static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;

    /// <summary>An assembly that the build made, under its project's name.</summary>
    public static string Program(string name) => Path.Combine(Root, "artifacts", "bin", name, Configuration, name + ".dll");

    /// <summary>Takes the place of the user's ~/.config, where the tokens are that commands find by themselves.</summary>
    public static readonly string Configurations = Path.Combine(Root, "artifacts", "test-config");

    /// <summary>Runs to the end, with nothing on standard input.</summary>
    public static Task<CommandResult> RunAsync(params string[] arguments) => RunAsync(new CommandPlace(), arguments);

    /// <inheritdoc cref="RunAsync(string[])"/>
    public static async Task<CommandResult> RunAsync(CommandPlace place, params string[] arguments)
    {
        await using var running = Start(place, arguments);
        return await running.WaitForEndAsync();
    }

    /// <summary>Starts and leaves running; disposing it kills what is left.</summary>
    public static RunningCommand Start(params string[] arguments) => Start(new CommandPlace(), arguments);

    /// <inheritdoc cref="Start(string[])"/>
    public static RunningCommand Start(CommandPlace place, params string[] arguments)
    {
        var program = arguments.FirstOrDefault() switch
        {
            "worker" or "generate" or "evaluate" or "data" or "doctor" or "ledger" => "Orchestrator.Worker",
            "bench" or "chaos" or "simulate" => "Orchestrator.Tools",
            _ => "Orchestrator.Coordinator",
        };
        string[] command = [.. place.Prefix, "dotnet", Program(program), .. arguments];
        var info = new ProcessStartInfo(command[0], command.AsEnumerable().Skip(1))
        {
            WorkingDirectory = place.Folder ?? Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            Environment = { ["ORCHESTRATOR_WORKER"] = Program("Orchestrator.Worker"), ["NO_COLOR"] = "1", ["XDG_CONFIG_HOME"] = Configurations },
        };
        foreach (var (name, value) in place.Environment)
        {
            info.Environment[name] = value;
        }

        return new RunningCommand(string.Join(' ', arguments), Process.Start(info)!);
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

/// <summary>Where a command runs.</summary>
internal sealed record CommandPlace
{
    /// <summary>Null: the repository's root.</summary>
    public string? Folder { get; init; }

    /// <summary>A command in front of it, such as `ip netns exec NAME`.</summary>
    public IReadOnlyList<string> Prefix { get; init; } = [];

    /// <summary>Set beside what this process has.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}
