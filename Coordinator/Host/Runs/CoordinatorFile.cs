using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>RUNDIR/coordinator: one line host:port, there as long as an embedded run is. By it, and the tokens beside it, other commands find the run's own coordinator.</summary>
internal sealed class CoordinatorFile : IDisposable
{
    public const string Name = "coordinator";

    /// <summary>For the owner of the run alone; gone with the run.</summary>
    public const string TokensName = "coordinator.tokens";

    private readonly string _path;

    private CoordinatorFile(string path) => _path = path;

    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    /// <exception cref="TokenFileException">The tokens cannot be written.</exception>
    public static CoordinatorFile Write(string runDir, string address, IEnumerable<TokenLine> tokens)
    {
        TokenFile.Write(Path.Combine(runDir, TokensName), tokens, overwrite: true);

        // In one step: whoever sees the file reads the whole line.
        var path = Path.Combine(runDir, Name);
        var next = $"{path}.{Environment.ProcessId}";
        File.WriteAllText(next, address + "\n");
        File.Move(next, path, overwrite: true);
        return new CoordinatorFile(path);
    }

    /// <returns>Null when the folder has none: no run is under way in it.</returns>
    public static string? Read(string runDir)
    {
        var path = Path.Combine(runDir, Name);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
    }

    /// <returns>Path of the token file; null when the folder has none.</returns>
    public static string? TokensOf(string runDir)
    {
        var path = Path.Combine(runDir, TokensName);
        return File.Exists(path) ? path : null;
    }

    public void Dispose()
    {
        try
        {
            File.Delete(_path);
            File.Delete(Path.Combine(Path.GetDirectoryName(_path)!, TokensName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder was moved or is read-only now; whoever reads the file finds nobody there.
        }
    }
}
