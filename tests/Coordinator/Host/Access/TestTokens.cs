using System.Collections.Immutable;
using Grpc.Core;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Access;

/// <summary>The tokens of the coordinators that tests start in this process.</summary>
internal static class TestTokens
{
    private static readonly ImmutableArray<TokenLine> Lines = TokenFile.NewLines();

    public static TokenSource Source { get; } = new(Lines);

    public static string Of(Role role) => Lines.Single(line => line.Role == role).Token!;

    /// <summary>Shows the token of a role at every call.</summary>
    public static Func<Metadata, Metadata> Add(Role role) => Add(Of(role));

    /// <summary>Shows a token at every call.</summary>
    public static Func<Metadata, Metadata> Add(string token) => headers =>
    {
        headers.Add(BearerHeader.Name, BearerHeader.Of(token));
        return headers;
    };
}
