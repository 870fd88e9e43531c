using System.Security.Cryptography;

namespace Orchestrator.Worker.Host.Control;

/// <summary>Tells this process from every other, until it ends: a process that starts afresh in its own place stays the same one, so whoever was drained stays drained.</summary>
internal static class WorkerInstance
{
    /// <summary>Handed on to the process image that takes this one's place, and to nobody else.</summary>
    public const string Variable = "ORCHESTRATOR_WORKER_INSTANCE";

    /// <summary>128 bits: no two are ever the same.</summary>
    private const int Digits = 32;

    /// <summary>Hexadecimal digits in lower case.</summary>
    public static string Id { get; } = Read(Environment.GetEnvironmentVariable(Variable)) ?? RandomNumberGenerator.GetHexString(Digits, lowercase: true);

    /// <summary>The environment of the image that follows.</summary>
    /// <param name="environment">NAME=VALUE each, as this process was started.</param>
    public static IEnumerable<string> HandedOn(IEnumerable<string> environment) =>
        environment.Where(each => !each.StartsWith($"{Variable}=", StringComparison.Ordinal)).Append($"{Variable}={Id}");

    private static string? Read(string? text) => text is { Length: Digits } && text.All(char.IsAsciiHexDigitLower) ? text : null;
}
