using System.Collections.Immutable;
using System.Text;

namespace Orchestrator.Security.Tokens;

/// <summary>A file of tokens, a line for each role: "ROLE TOKEN", or "ROLE sha256:HEX" where a coordinator only checks them. Only its owner may open it.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Lines">In the file's order; a role may stand there twice while its token changes.</param>
public sealed record TokenFile(string Path, ImmutableArray<TokenLine> Lines)
{
    /// <summary>A person's lines; anything longer is another kind of file.</summary>
    private const int MaxBytes = 64 * 1024;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private const string Head =
        "# Whoever knows one of these tokens may do what its role may: viewer looks; submitter submits, stops and scales; admin everything; worker attaches as a worker.\n"
        + "# Give away single lines, not the file. A coordinator reads it when it starts, and again when it changes.\n";

    /// <summary>A new token for every role, nowhere stored yet.</summary>
    public static ImmutableArray<TokenLine> NewLines() =>
        [.. new[] { Role.Viewer, Role.Submitter, Role.Admin, Role.Worker }.Select(role => TokenLine.Of(role, TokenText.New()))];

    /// <summary>Reads the file; makes it, with new tokens, when it is not there. Several programs may do so at once: all get the same tokens.</summary>
    /// <exception cref="TokenFileException">It cannot be read, made or understood, or others may open it.</exception>
    public static TokenFile ReadOrCreate(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        if (!File.Exists(full))
        {
            Write(full, NewLines(), overwrite: false);
        }

        return Read(full);
    }

    /// <exception cref="TokenFileException">It cannot be read or understood, or others may open it.</exception>
    public static TokenFile Read(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            using var file = new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & Others) != 0)
            {
                throw new TokenFileException($"The token file {full} is open to others than its owner. Close it: chmod 600 {full}");
            }

            if (file.Length > MaxBytes)
            {
                throw new TokenFileException($"The token file {full} has {file.Length} bytes; one has a few lines. Is it the right file?");
            }

            using var reader = new StreamReader(file, Encoding.UTF8);
            return new TokenFile(full, Parse(reader.ReadToEnd(), full));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenFileException($"The token file {full} cannot be read: {e.Message}");
        }
    }

    /// <summary>In one step, so that nobody reads half of it; for its owner alone from the first byte on.</summary>
    /// <param name="path">Absolute; its folder is made.</param>
    /// <param name="lines">With their tokens.</param>
    /// <param name="overwrite">False: a file that is there stays as it is.</param>
    /// <exception cref="TokenFileException">It cannot be written.</exception>
    public static void Write(string path, IEnumerable<TokenLine> lines, bool overwrite)
    {
        var next = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}";
        try
        {
            var folder = System.IO.Path.GetDirectoryName(path)!;
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                // A folder that is there keeps its mode.
                Directory.CreateDirectory(folder, OwnerFile.Mode | UnixFileMode.UserExecute);
            }

            using (var file = OwnerFile.Create(next))
            {
                file.Write(Encoding.UTF8.GetBytes(Head + string.Concat(lines.Select(line => $"{RoleNames.Of(line.Role)} {line.Token}\n"))));
                file.Flush(flushToDisk: true);
            }

            if (overwrite)
            {
                File.Move(next, path, overwrite: true);
            }
            else
            {
                // Another program may have been faster: its tokens count.
                OwnerFile.TryName(next, path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenFileException($"The token file {path} cannot be made: {e.Message.TrimEnd('.')}. Name another with --token-file or {TokenPlaces.FileVariable}.");
        }
    }

    /// <exception cref="TokenFileException">A line is wrong, or there is none.</exception>
    private static ImmutableArray<TokenLine> Parse(string text, string path)
    {
        var lines = ImmutableArray.CreateBuilder<TokenLine>();
        foreach (var (number, line) in text.Split('\n').Select((line, index) => (index + 1, line.Trim())).Where(numbered => numbered.Item2 is not "" && numbered.Item2[0] != '#'))
        {
            var (read, problem) = TokenLine.Parse(line);
            lines.Add(read ?? throw new TokenFileException($"{path}:{number} {problem}. A line is ROLE TOKEN, such as: viewer 0123..."));
        }

        return lines.Count > 0 ? lines.ToImmutable() : throw new TokenFileException($"The token file {path} holds no token. Delete it, and a coordinator makes a new one.");
    }
}
