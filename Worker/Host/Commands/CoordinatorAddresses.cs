using System.Collections.Immutable;
using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>What was typed behind --coordinator: one HOST:PORT or several, separated by commas.</summary>
internal static class CoordinatorAddresses
{
    /// <returns>The addresses, each once, or a sentence about what is wrong with them.</returns>
    public static (ImmutableArray<string> Addresses, string? Problem) Read(string typed)
    {
        var addresses = typed.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToImmutableArray();
        if (addresses.Length is 0 or > CoordinatorSearch.MostAddresses)
        {
            return ([], $"--coordinator names {addresses.Length} coordinators; 1 to {CoordinatorSearch.MostAddresses} are needed, such as 10.0.0.1:7070,10.0.0.2:7070.");
        }

        return addresses.FirstOrDefault(address => !IsAddress(address)) is { } wrong
            ? ([], $"--coordinator: '{wrong}' is not an address; HOST:PORT is needed, such as 127.0.0.1:7070.") : (addresses, null);
    }

    private static bool IsAddress(string text) => text.LastIndexOf(':') is > 0 and var colon && int.TryParse(text.AsSpan(colon + 1), out var port) && port is > 0 and <= 65535;
}
