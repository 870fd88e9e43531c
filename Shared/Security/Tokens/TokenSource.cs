namespace Orchestrator.Security.Tokens;

/// <summary>The present tokens of a file that is changed while a coordinator runs. Any thread.</summary>
public sealed class TokenSource
{
    private readonly Lock _lock = new();
    private readonly string? _path;
    private readonly Action<string> _note = _ => { };
    private readonly FileChanges? _changes;
    private TokenFile? _file;
    private TokenVerifier _current;

    /// <summary>Tokens that stay.</summary>
    public TokenSource(IEnumerable<TokenLine> lines) => _current = new TokenVerifier(lines);

    /// <param name="path">Read now, and made with new tokens when it is not there; read again when it has changed.</param>
    /// <param name="note">Told when it was read again, or cannot be: then the former tokens stay. Never told a token.</param>
    /// <param name="time">For the interval between two looks at the file.</param>
    /// <exception cref="TokenFileException">It cannot be used now.</exception>
    public TokenSource(string path, Action<string> note, TimeProvider time)
    {
        _path = TokenFile.ReadOrCreate(path).Path;
        _note = note;
        _changes = new FileChanges(time, _path);
        _file = TokenFile.Read(_path);
        _current = new TokenVerifier(_file.Lines);
    }

    /// <summary>The file; null: the tokens are in none.</summary>
    public string? Path => _path;

    /// <summary>Another one after each change.</summary>
    public TokenVerifier Current
    {
        get
        {
            lock (_lock)
            {
                Look();
                return _current;
            }
        }
    }

    private void Look()
    {
        try
        {
            if (_changes?.HaveCome() != true)
            {
                return;
            }

            var next = TokenFile.Read(_path!);
            var (before, after) = (HashesOf(_file!), HashesOf(next));
            (_file, _current) = (next, new TokenVerifier(next.Lines));
            _note($"The tokens in {_path} were read again: {after.Count} count, {after.Except(before).Count()} of them new; {before.Except(after).Count()} are gone.");
        }
        catch (Exception e) when (e is TokenFileException or IOException or UnauthorizedAccessException)
        {
            _note($"The changed token file cannot be used, and the former tokens stay: {e.Message}");
        }
    }

    private static HashSet<string> HashesOf(TokenFile file) =>
        [.. file.Lines.Where(line => line.Role != Role.Unspecified).Select(line => $"{line.Role} {Convert.ToHexString(line.Hash)}")];
}
