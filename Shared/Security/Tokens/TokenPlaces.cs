namespace Orchestrator.Security.Tokens;

/// <summary>Who asks: each takes the strongest token of a file that it can use.</summary>
public enum TokenUse
{
    /// <summary>The command line.</summary>
    Command = 0,

    /// <summary>A worker's stream.</summary>
    Worker = 1,
}

/// <summary>Where the programs of one user find their tokens, so that on one machine nobody has to type any.</summary>
public static class TokenPlaces
{
    /// <summary>A file of tokens, or of a single bare one.</summary>
    public const string FileVariable = "ORCHESTRATOR_TOKEN_FILE";

    /// <summary>A token itself: set by `run` for the workers that it starts.</summary>
    public const string TokenVariable = "ORCHESTRATOR_TOKEN";

    /// <summary>The user's own file: ~/.config/orchestrator/tokens, or under $XDG_CONFIG_HOME.</summary>
    public static string Default => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "orchestrator", "tokens");

    /// <summary>The file that a coordinator keeps its tokens in when it is told no other.</summary>
    public static string OfCoordinator(string? typed) => typed ?? (Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } named ? named : Default);

    /// <summary>The token to show, from the environment or the user's own file.</summary>
    /// <param name="use">Who asks.</param>
    /// <param name="isTrusted">
    /// Whether the address is on this machine or is proved by TLS: only then the user's own file is looked at. What the environment names goes to any address that is typed.
    /// </param>
    /// <returns>Null: there is none, and the coordinator will say what it needs.</returns>
    /// <exception cref="TokenFileException">The file that is named cannot be used.</exception>
    public static string? Find(TokenUse use, bool isTrusted)
    {
        if (Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } token)
        {
            return token;
        }

        if (Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } named)
        {
            return Choose(TokenFile.Read(named), use);
        }

        return isTrusted && File.Exists(Default) ? Choose(TokenFile.Read(Default), use) : null;
    }

    /// <returns>Null when no line of the file serves this use.</returns>
    public static string? Choose(TokenFile file, TokenUse use)
    {
        Role[] wished = use == TokenUse.Worker ? [Role.Worker, Role.Admin, Role.Unspecified] : [Role.Admin, Role.Submitter, Role.Viewer, Role.Unspecified];
        return wished.Select(role => file.Lines.FirstOrDefault(line => line.Role == role && line.Token is not null)?.Token).FirstOrDefault(token => token is not null);
    }
}
