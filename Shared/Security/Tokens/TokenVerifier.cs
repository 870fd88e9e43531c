using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Orchestrator.Security.Tokens;

/// <summary>Tells the role of a token. Keeps hashes only. Immutable; any thread.</summary>
public sealed class TokenVerifier
{
    private readonly ImmutableArray<(Role Role, byte[] Hash)> _known;

    /// <param name="lines">Bare lines, without a role, count for nothing.</param>
    public TokenVerifier(IEnumerable<TokenLine> lines) => _known = [.. lines.Where(line => line.Role != Role.Unspecified).Select(line => (line.Role, line.Hash))];

    /// <summary>Takes as long for any token: all hashes are compared, each in constant time.</summary>
    /// <returns>Null when the token is none of these.</returns>
    public Role? Identify(string token)
    {
        var hash = TokenText.Hash(token);
        Role? found = null;
        foreach (var (role, known) in _known)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, known))
            {
                found = role;
            }
        }

        return found;
    }
}
