using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Security.Tokens;

/// <summary>A token as text: who knows it has its role.</summary>
public static class TokenText
{
    /// <summary>256 bit: nobody guesses it, so its plain SHA-256 may be kept.</summary>
    private const int RandomBytes = 32;

    /// <summary>Shorter ones, that a person made up, could be guessed from their hash.</summary>
    public const int MinLength = 32;

    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>What is kept where the token itself need not be read.</summary>
    /// <returns>[32] bytes.</returns>
    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Fit for a header: visible ASCII, long enough.</summary>
    public static bool IsWellFormed(string token) => token.Length >= MinLength && token.All(c => c is > ' ' and < '\x7f');
}
