namespace Orchestrator.Coordinator.Host.Launch;

/// <summary>Where the worker program is.</summary>
internal static class WorkerProgram
{
    /// <summary>The environment variable that names it.</summary>
    public const string Variable = "ORCHESTRATOR_WORKER";

    private const string Assembly = "Orchestrator.Worker";

    /// <returns>Absolute path of the worker's assembly.</returns>
    /// <exception cref="FileNotFoundException">It is nowhere; the message says where it was looked for.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(named) ? Path.GetFullPath(named)
                : throw new FileNotFoundException($"{Variable} is {named}, and there is no such file. Set it to the path of {Assembly}.dll, or unset it.");
        }

        // Beside this program when both are published into one folder; in the sibling folder of a build.
        var own = AppContext.BaseDirectory;
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(own));
        string[] places =
        [
            Path.Combine(own, $"{Assembly}.dll"),
            .. new[] { configuration, "release", "debug" }.Distinct().Select(name => Path.GetFullPath(Path.Combine(own, "..", "..", Assembly, name, $"{Assembly}.dll"))),
        ];
        return places.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"The worker program was not found; looked for {string.Join(", ", places)}. Build it (./orchestrator does), or set {Variable} to its path.");
    }
}
