namespace Orchestrator.Security.Tokens;

/// <summary>What the holder of a token may do. The names stand in token files: append only.</summary>
public enum Role
{
    /// <summary>Not said; an error.</summary>
    Unspecified = 0,

    /// <summary>Looks at runs and workers.</summary>
    Viewer = 1,

    /// <summary>Submits, stops and scales runs, too.</summary>
    Submitter = 2,

    /// <summary>Everything.</summary>
    Admin = 3,

    /// <summary>Attaches as a worker, and nothing else.</summary>
    Worker = 4,
}

/// <summary>Roles as they are written.</summary>
public static class RoleNames
{
    public static string Of(Role role) => role.ToString().ToLowerInvariant();

    /// <returns>Unspecified when no role has the name.</returns>
    public static Role Parse(string name) => Enum.GetValues<Role>().FirstOrDefault(role => role != Role.Unspecified && Of(role) == name);
}
