namespace Orchestrator.Core.Messages;

/// <summary>Names of what travels beside the messages of a call.</summary>
public static class CallNames
{
    /// <summary>A trailer of whoever does not own the runs: where the owner is, host:port.</summary>
    public const string Owner = "orchestrator-owner";

    /// <summary>A trailer: nothing of the call was done, so it may be made again, here or at another coordinator. Its value is the address that refused it.</summary>
    public const string NotTaken = "orchestrator-not-taken";

    /// <summary>A header of a call that one coordinator passes to another: the address of the first. It is not passed on again.</summary>
    public const string PassedOnBy = "orchestrator-passed-on-by";
}
