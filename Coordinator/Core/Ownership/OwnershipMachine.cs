using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Ownership;

/// <summary>Decides whether this coordinator owns the runs: it takes and renews the lease, stops before it can lapse, and lets no order out before its change is stored.</summary>
/// <remarks>
/// Three guards stand behind each other. An owner counts its lease from when it SENT the request, so it stops before the store lets another in. The store
/// takes a write only under the newest term. Workers refuse orders of an older term than the newest they saw; they catch what was on its way when an owner froze.
/// Time comes from a clock that nobody sets; only its rate must be about that of the store's.
/// </remarks>
public static class OwnershipMachine
{
    public static (OwnershipState State, ImmutableArray<OwnershipEffect> Effects) Step(OwnershipState state, OwnershipEvent @event, DateTimeOffset now)
    {
        // First of all: a process that was frozen learns here that its time is over, whatever it hears.
        if (state.Phase is OwnershipPhase.Owning late && now >= late.HoldsUntil)
        {
            var (given, effects) = GiveUp(state, late, "the lease could not be renewed in time", now);
            var (next, more) = Hear(given, @event, now);
            return (next, [.. effects, .. more]);
        }

        return Hear(state, @event, now);
    }

    private static (OwnershipState, ImmutableArray<OwnershipEffect>) Hear(OwnershipState state, OwnershipEvent @event, DateTimeOffset now) => (state.Phase, @event) switch
    {
        (OwnershipPhase.Ended, _) => (state, []),
        (OwnershipPhase.Owning owning, OwnershipEvent.EndRequested) => (
            state with { Phase = new OwnershipPhase.Ended(), Reason = "It ends." },
            [new OwnershipEffect.GiveUp(owning.Term, "it ends"), new OwnershipEffect.Surrender(state.Stint, owning.Term)]),
        (_, OwnershipEvent.EndRequested) => (state with { Phase = new OwnershipPhase.Ended(), Reason = "It ends." }, []),
        (OwnershipPhase.Standby standby, OwnershipEvent.Tick) => now >= standby.TryAt ? Take(state, now) : (state, []),
        (OwnershipPhase.Taking taking, OwnershipEvent.Tick) => now - taking.SentAt >= state.Times.Patience ? Take(state, now) : (state, []),
        (OwnershipPhase.Taking taking, OwnershipEvent.Granted granted) when granted.Request == taking.Request => Adopt(state, taking, granted.Term, now),
        (OwnershipPhase.Taking taking, OwnershipEvent.NotGranted refused) when refused.Request == taking.Request =>
            (Wait(state, refused.Reason, now + Shorter(state.Times.RetryAfter, refused.Remaining)), []),
        (OwnershipPhase.Taking taking, OwnershipEvent.RequestFailed failed) when failed.Request == taking.Request =>
            (Wait(state, failed.Reason, now + state.Times.RetryAfter), []),
        (OwnershipPhase.Owning owning, _) => Own(state, owning, @event, now),
        _ => (state, [new OwnershipEffect.Note($"{@event} changes nothing for a coordinator that is {state.Phase.GetType().Name}.")]),
    };

    private static (OwnershipState, ImmutableArray<OwnershipEffect>) Own(OwnershipState state, OwnershipPhase.Owning owning, OwnershipEvent @event, DateTimeOffset now)
    {
        switch (@event)
        {
            case OwnershipEvent.Tick:
                return Tick(state, owning, now);
            case OwnershipEvent.Granted granted when owning.Renewal?.Number == granted.Request && granted.Term == owning.Term:
                return (state with { Phase = owning with { HoldsUntil = Until(state, owning.Renewal.SentAt), Renewal = null, RenewAt = owning.Renewal.SentAt + state.Times.RenewEvery } }, []);
            case OwnershipEvent.NotGranted refused when owning.Renewal?.Number == refused.Request:
                return GiveUp(state, owning, refused.Reason, now);
            case OwnershipEvent.RequestFailed failed when owning.Renewal?.Number == failed.Request:
                return (state with { Phase = owning with { Renewal = null, RenewAt = now + state.Times.RetryAfter }, Reason = failed.Reason }, []);
            case OwnershipEvent.WriteRefused refused when refused.Term == owning.Term:
                return GiveUp(state, owning, refused.Reason, now);
            case OwnershipEvent.Decided:
                return WritingRule.Send(state, owning, owning.Writes with { Last = owning.Writes.Last + 1 }, now);
            case OwnershipEvent.Stored stored when stored.Term == owning.Term:
                return WritingRule.Hear(state, owning, stored, now);
            case OwnershipEvent.WriteFailed failed when failed.Term == owning.Term && failed.Last == owning.Writes.Sent && owning.Writes.IsUnderWay:
                return (state with { Phase = owning with { Writes = owning.Writes with { SentAt = null, RetryAt = now + state.Times.RetryAfter } }, Reason = failed.Reason }, []);
            default:
                return (state, [new OwnershipEffect.Note($"{@event} is none of term {owning.Term}, or is answered already.")]);
        }
    }

    private static (OwnershipState, ImmutableArray<OwnershipEffect>) Tick(OwnershipState state, OwnershipPhase.Owning owning, DateTimeOffset now)
    {
        var effects = ImmutableArray.CreateBuilder<OwnershipEffect>();
        var isLate = owning.Renewal is { } renewal && now - renewal.SentAt >= state.Times.Patience;
        if (isLate || (owning.Renewal is null && now >= owning.RenewAt))
        {
            var number = state.LastRequest + 1;
            owning = owning with { Renewal = new LeaseRequest(number, now) };
            state = state with { LastRequest = number, Phase = owning };
            effects.Add(new OwnershipEffect.Renew(number, state.Stint, owning.Term));
        }

        var (next, writes) = WritingRule.SendAgain(state, owning, now);
        effects.AddRange(writes);
        return (next, effects.ToImmutable());
    }

    private static (OwnershipState, ImmutableArray<OwnershipEffect>) Take(OwnershipState state, DateTimeOffset now)
    {
        var number = state.LastRequest + 1;
        return (state with { Phase = new OwnershipPhase.Taking(number, now), LastRequest = number }, [new OwnershipEffect.Take(number, state.Stint)]);
    }

    private static (OwnershipState, ImmutableArray<OwnershipEffect>) Adopt(OwnershipState state, OwnershipPhase.Taking taking, long term, DateTimeOffset now)
    {
        var until = Until(state, taking.SentAt);
        return now >= until
            ? (Wait(state, $"The lease was granted under term {term}, and the answer took {(now - taking.SentAt).TotalMilliseconds:0} ms.", now) with { Stint = state.Stint + 1 }, [])
            : (state with
            {
                Phase = new OwnershipPhase.Owning(term, until, null, taking.SentAt + state.Times.RenewEvery, PendingWrites.None), Reason = $"It owns the runs under term {term}.",
            }, [new OwnershipEffect.Adopt(term)]);
    }

    private static (OwnershipState, ImmutableArray<OwnershipEffect>) GiveUp(OwnershipState state, OwnershipPhase.Owning owning, string reason, DateTimeOffset now) =>
        (Wait(state, reason, now + state.Times.RetryAfter) with { Stint = state.Stint + 1 }, [new OwnershipEffect.GiveUp(owning.Term, reason)]);

    private static OwnershipState Wait(OwnershipState state, string reason, DateTimeOffset tryAt) => state with { Phase = new OwnershipPhase.Standby(tryAt), Reason = reason };

    private static DateTimeOffset Until(OwnershipState state, DateTimeOffset sentAt) => sentAt + state.Times.Length - state.Times.Margin;

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => other > TimeSpan.Zero && other < one ? other : one;
}
