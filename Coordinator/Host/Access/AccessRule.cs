using System.Net;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>Why a request is let through or not.</summary>
public enum AccessVerdict
{
    Allowed = 0,
    WrongHost = 1,
    ForeignOrigin = 2,
    NoToken = 3,
    WrongToken = 4,
    WrongRole = 5,
    NoRule = 6,
}

/// <summary>A request as the rules see it.</summary>
/// <param name="Route">METHOD and path, for the reason.</param>
/// <param name="Need">Of its route.</param>
/// <param name="Scheme">http or https.</param>
/// <param name="Host">As it was sent, with its port.</param>
/// <param name="HostName">The same without the port.</param>
/// <param name="Origin">Null: none was sent.</param>
/// <param name="HasToken">Whether one was sent.</param>
/// <param name="Role">Of the token that was sent; null when there is none or it is unknown.</param>
/// <param name="Local">The address that it came in on.</param>
public sealed record AccessRequest(
    string Route, AccessNeed Need, string Scheme, string Host, string HostName, string? Origin, bool HasToken, Role? Role, IPAddress? Local);

/// <summary>The answer, and the sentence for whoever is refused.</summary>
public readonly record struct AccessDecision(AccessVerdict Verdict, string Reason)
{
    public bool IsAllowed => Verdict == AccessVerdict.Allowed;
}

/// <summary>Decides every request to a coordinator, over HTTP and gRPC alike. Pure.</summary>
public static class AccessRule
{
    private const string Where = $"Send it as 'authorization: Bearer TOKEN'; the verbs read it from the file that {TokenPlaces.FileVariable} names. The coordinator says at its start where its tokens are.";

    public static AccessDecision Decide(AccessRequest request, HostRule hosts)
    {
        if (!hosts.Allows(request.HostName, request.Local))
        {
            return new(AccessVerdict.WrongHost,
                $"The request is for the host '{request.Host}', and this coordinator goes by {string.Join(", ", hosts.Names.Prepend("localhost"))}. Use one of them, or start the coordinator with --host {Shorten(request.HostName)}.");
        }

        if (!OriginRule.Allows(request.Origin, request.Host, request.Scheme))
        {
            return new(AccessVerdict.ForeignOrigin, $"The request comes from a page of '{Shorten(request.Origin!)}'; a browser may call {request.Scheme}://{request.Host} only from its own pages.");
        }

        if (request.Need == AccessNeed.Nobody)
        {
            return new(AccessVerdict.NoRule, $"{request.Route} has no rule that allows it to anyone. This is a bug of the orchestrator's; report it.");
        }

        if (request.Need.IsMetBy(request.Role))
        {
            return new(AccessVerdict.Allowed, "");
        }

        return (request.HasToken, request.Role) switch
        {
            (false, _) => new(AccessVerdict.NoToken, $"{request.Route} needs {request.Need.Describe()}, and no token came. {Where}"),
            (true, null) => new(AccessVerdict.WrongToken, $"{request.Route} needs {request.Need.Describe()}, and the token that came is none of this coordinator's. {Where}"),
            (true, { } role) => new(AccessVerdict.WrongRole, $"{request.Route} needs {request.Need.Describe()}, and the token that came has the role {RoleNames.Of(role)}. Use a token of that role."),
        };
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..97] + "...";
}
