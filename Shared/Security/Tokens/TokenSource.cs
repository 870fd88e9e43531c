namespace Orchestrator.Security.Tokens;

/// <summary>The present tokens of a file that is changed while a coordinator runs. Any thread.</summary>
public sealed class TokenSource
{
    private readonly ReadFiles<FileTokens>? _file;
    private readonly TokenVerifier? _fixed;

    /// <summary>Tokens that stay.</summary>
    public TokenSource(IEnumerable<TokenLine> lines) => _fixed = new TokenVerifier(lines);

    /// <param name="path">Read now, and made with new tokens when it is not there; read again when it has changed.</param>
    /// <param name="note">Told when it was read again, or cannot be: then the former tokens stay. Never told a token.</param>
    /// <param name="time">For the interval between two looks at the file.</param>
    /// <exception cref="TokenFileException">It cannot be used now.</exception>
    public TokenSource(string path, Action<string> note, TimeProvider time)
    {
        var file = TokenFile.ReadOrCreate(path).Path;
        _file = new ReadFiles<FileTokens>(
            [file], () => new FileTokens(TokenFile.Read(file)), (former, present) => note(Describe(file, former.File, present.File)),
            problem => note($"The changed token file cannot be used, and the former tokens stay: {problem.Message}"), time);
        Path = file;
    }

    /// <summary>The file; null: the tokens are in none.</summary>
    public string? Path { get; }

    /// <summary>Another one after each change.</summary>
    public TokenVerifier Current => _fixed ?? _file!.Current.Verifier;

    private static string Describe(string path, TokenFile former, TokenFile present)
    {
        var (before, after) = (HashesOf(former), HashesOf(present));
        return $"The tokens in {path} were read again: {after.Count} count, {after.Except(before).Count()} of them new; {before.Except(after).Count()} are gone.";
    }

    private static HashSet<string> HashesOf(TokenFile file) =>
        [.. file.Lines.Where(line => line.Role != Role.Unspecified).Select(line => $"{line.Role} {Convert.ToHexString(line.Hash)}")];

    /// <summary>A file and what checks tokens by it.</summary>
    private sealed class FileTokens(TokenFile file)
    {
        public TokenFile File { get; } = file;

        public TokenVerifier Verifier { get; } = new(file.Lines);
    }
}
