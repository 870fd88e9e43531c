using System.Globalization;
using System.Security.Cryptography;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>Names for runs that people can read, sort and tell apart: name-date-time-four digits.</summary>
internal static class RunIds
{
    private const int MaxNameLength = 40;

    public static RunId New(string name, DateTimeOffset now)
    {
        var slug = new string([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-').Take(MaxNameLength)]).Trim('-');
        var time = now.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        return new RunId($"{(slug.Length == 0 ? "run" : slug)}-{time}-{RandomNumberGenerator.GetHexString(4, lowercase: true)}");
    }
}
