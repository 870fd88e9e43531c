namespace Grpc.Core;

/// <summary>Carries the deadline and the cancellation of the call that is being served to a call made on its behalf.</summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken()
    {
    }

    internal abstract DateTime? Deadline { get; }

    internal abstract CancellationToken CancellationToken { get; }
}

/// <summary>What travels in a <see cref="ContextPropagationToken"/>; by default both.</summary>
public class ContextPropagationOptions(bool propagateDeadline = true, bool propagateCancellation = true)
{
    public static readonly ContextPropagationOptions Default = new();

    public bool IsPropagateDeadline { get; } = propagateDeadline;

    public bool IsPropagateCancellation { get; } = propagateCancellation;
}

internal sealed class ServerPropagationToken(DateTime? deadline, CancellationToken cancellationToken) : ContextPropagationToken
{
    internal override DateTime? Deadline => deadline;

    internal override CancellationToken CancellationToken => cancellationToken;
}
