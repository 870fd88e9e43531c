using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Ownership;

/// <summary>Stores before it tells: one transaction is under way at a time, and orders go out when the change that they rest on is stored.</summary>
/// <remarks>A transaction whose answer is missing is sent again as it was. Were more put into it, the store could not tell the second from the first.</remarks>
internal static class WritingRule
{
    /// <summary>Turns of one transaction: it stays short.</summary>
    public const int MostAtOnce = 64;

    public static (OwnershipState, ImmutableArray<OwnershipEffect>) Send(OwnershipState state, OwnershipPhase.Owning owning, PendingWrites writes, DateTimeOffset now)
    {
        if (writes.IsUnderWay || writes.Last == writes.Stored)
        {
            return (state with { Phase = owning with { Writes = writes } }, []);
        }

        var sent = Math.Min(writes.Last, writes.Stored + MostAtOnce);
        return (
            state with { Phase = owning with { Writes = writes with { Sent = sent, SentAt = now } } },
            [new OwnershipEffect.Write(owning.Term, writes.Stored + 1, sent)]);
    }

    public static (OwnershipState, ImmutableArray<OwnershipEffect>) SendAgain(OwnershipState state, OwnershipPhase.Owning owning, DateTimeOffset now)
    {
        var writes = owning.Writes;
        var isDue = writes.IsUnderWay && (writes.SentAt is { } sentAt ? now - sentAt >= state.Times.Patience : now >= writes.RetryAt);
        return isDue
            ? (state with { Phase = owning with { Writes = writes with { SentAt = now } } }, [new OwnershipEffect.Write(owning.Term, writes.Stored + 1, writes.Sent)])
            : (state with { Phase = owning }, []);
    }

    public static (OwnershipState, ImmutableArray<OwnershipEffect>) Hear(OwnershipState state, OwnershipPhase.Owning owning, OwnershipEvent.Stored stored, DateTimeOffset now)
    {
        var writes = owning.Writes;
        if (!writes.IsUnderWay || stored.Last != writes.Sent)
        {
            return (state, [new OwnershipEffect.Note($"{stored} was answered before.")]);
        }

        var release = new OwnershipEffect.Release(owning.Term, writes.Stored + 1, writes.Sent);
        var (next, effects) = Send(state, owning, writes with { Stored = writes.Sent, SentAt = null }, now);
        return (next, [release, .. effects]);
    }
}
