namespace Orchestrator.Coordinator.Host;

/// <summary>The exit codes that scripts rely on.</summary>
public static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int JobIsWrong = 3;
    public const int NoCoordinator = 4;
    public const int NotAllowed = 5;
    public const int NotFound = 6;
    public const int TimedOut = 124;
    public const int Interrupted = 130;
    public const int Terminated = 143;
}
