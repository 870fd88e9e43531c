using System.Globalization;
using System.Security.Cryptography;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>Names for runs that people can read, sort and tell apart: name-date-time-digits.</summary>
internal static class RunIds
{
    private const int MaxNameLength = 40;

    /// <summary>Hexadecimal. Of 500 runs of one name and one second two would have the same four digits in 85 of 100 cases; the same eight they have once in 30,000.</summary>
    private const int RandomDigits = 8;

    /// <summary>Of an id: it becomes a folder's name.</summary>
    public const int MostCharacters = 80;

    /// <summary>Whether a caller may give a run this id: no path, and nothing that hides in a folder.</summary>
    public static bool IsGood(string id) => id.Length is > 0 and <= MostCharacters && char.IsAsciiLetterOrDigit(id[0]) && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.');

    public static RunId New(string name, DateTimeOffset now)
    {
        var slug = new string([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-').Take(MaxNameLength)]).Trim('-');
        var time = now.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        return new RunId($"{(slug.Length == 0 ? "run" : slug)}-{time}-{RandomNumberGenerator.GetHexString(RandomDigits, lowercase: true)}");
    }
}
