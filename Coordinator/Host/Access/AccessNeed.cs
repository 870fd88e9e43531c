using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>The least that a caller of a route must have.</summary>
public enum AccessNeed
{
    /// <summary>No rule: nobody may.</summary>
    Nobody = 0,

    /// <summary>No token.</summary>
    Nothing = 1,

    /// <summary>A token, of whatever role.</summary>
    AnyToken = 2,

    Viewer = 3,
    Submitter = 4,
    Admin = 5,
    Worker = 6,
}

/// <summary>Which roles meet which need: an admin all, a submitter what a viewer may, a worker its own only.</summary>
public static class AccessNeeds
{
    public static bool IsMetBy(this AccessNeed need, Role? role) => need switch
    {
        AccessNeed.Nothing => true,
        AccessNeed.AnyToken => role is not null,
        AccessNeed.Viewer => role is Role.Viewer or Role.Submitter or Role.Admin,
        AccessNeed.Submitter => role is Role.Submitter or Role.Admin,
        AccessNeed.Admin => role is Role.Admin,
        AccessNeed.Worker => role is Role.Worker or Role.Admin,
        _ => false,
    };

    /// <summary>In words that follow "needs".</summary>
    public static string Describe(this AccessNeed need) => need switch
    {
        AccessNeed.Nothing => "no token",
        AccessNeed.AnyToken => "a token",
        AccessNeed.Nobody => "a rule that is not there",
        _ => $"the role {need.ToString().ToLowerInvariant()}",
    };
}
