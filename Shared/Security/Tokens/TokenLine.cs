namespace Orchestrator.Security.Tokens;

/// <summary>One line of a token file.</summary>
/// <param name="Role">Unspecified: a bare token, whose role only the coordinator knows.</param>
/// <param name="Token">Null: the line has only the hash, which is enough for a coordinator.</param>
/// <param name="Hash">[32] bytes: SHA-256 of the token.</param>
public sealed record TokenLine(Role Role, string? Token, byte[] Hash)
{
    private const string HashMark = "sha256:";

    public static TokenLine Of(Role role, string token) => new(role, token, TokenText.Hash(token));

    /// <param name="line">ROLE TOKEN, ROLE sha256:HEX or TOKEN.</param>
    /// <returns>Null and the reason, which does not repeat the line.</returns>
    public static (TokenLine? Line, string? Problem) Parse(string line)
    {
        var words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is not (1 or 2))
        {
            return (null, $"has {words.Length} words; a role and a token are needed");
        }

        var role = words.Length == 1 ? Role.Unspecified : RoleNames.Parse(words[0]);
        if (words.Length == 2 && role == Role.Unspecified)
        {
            return (null, "begins with none of the roles viewer, submitter, admin and worker");
        }

        if (words[^1].StartsWith(HashMark, StringComparison.Ordinal))
        {
            return ReadHash(words[^1][HashMark.Length..]) is { } hash && role != Role.Unspecified
                ? (new TokenLine(role, null, hash), null)
                : (null, "has a hash that is not the 64 hexadecimal digits of a SHA-256 behind a role");
        }

        return TokenText.IsWellFormed(words[^1])
            ? (Of(role, words[^1]), null)
            : (null, $"has a token of {words[^1].Length} characters; {TokenText.MinLength} or more of visible ASCII are needed");
    }

    private static byte[]? ReadHash(string hex)
    {
        var hash = new byte[32];
        return hex.Length == 64 && Convert.FromHexString(hex, hash, out _, out _) == System.Buffers.OperationStatus.Done ? hash : null;
    }
}
