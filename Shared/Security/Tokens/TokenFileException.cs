namespace Orchestrator.Security.Tokens;

/// <summary>A token file cannot be used; the message says why and what to do, and never holds a token.</summary>
public sealed class TokenFileException(string message) : Exception(message);
