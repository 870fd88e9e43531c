using System.Collections.Immutable;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>Which coordinator a worker tries next, and when: round the list, and at once where a standby says that the owner is.</summary>
/// <remarks>
/// Within a round nothing is waited for: a standby answers at once, and where no program listens the system does. Between two rounds the backoff is.
/// One hint is followed in a round, so that two standbys which name each other keep nobody busy.
/// </remarks>
public sealed record CoordinatorSearch
{
    /// <summary>Of a list: more coordinators than anybody runs, few enough for a round.</summary>
    public const int MostAddresses = 16;

    public static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(200);

    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>A member that trains is awaited: whoever owns its run now gives it up after a few seconds.</summary>
    public static readonly TimeSpan MemberWait = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Rounds in which one that was left for its silence is passed over, about two seconds of a member's: it is frozen or cut off, and asking it costs
    /// <see cref="Patience"/>. Its lease lapses in that time; if nobody else took it, it is asked again.
    /// </summary>
    public const int RoundsPassedOver = 8;

    private CoordinatorSearch(ImmutableArray<string> addresses) => Addresses = addresses;

    /// <summary>host:port each, at least one, in the order in which they are tried.</summary>
    public ImmutableArray<string> Addresses { get; }

    /// <summary>Where the next attempt goes.</summary>
    public string Address => Hint ?? Addresses[Index];

    /// <summary>How long an attempt may take until it is welcomed; null: as long as the connection lasts, for there is no other to try.</summary>
    public TimeSpan? Patience => Addresses.Length > 1 ? TimeSpan.FromSeconds(2) : null;

    private int Index { get; init; }

    /// <summary>Of the list, in this round.</summary>
    private int Tried { get; init; }

    /// <summary>The owner's address as a standby gave it.</summary>
    private string? Hint { get; init; }

    private bool IsHinted { get; init; }

    private TimeSpan Wait { get; init; } = FirstWait;

    private string? PassedOver { get; init; }

    private int RoundsLeft { get; init; }

    /// <exception cref="ArgumentException">The list is empty or too long.</exception>
    public static CoordinatorSearch Start(ImmutableArray<string> addresses) => addresses.Length is > 0 and <= MostAddresses
        ? new CoordinatorSearch(addresses) : throw new ArgumentException($"{addresses.Length} coordinators are named; 1 to {MostAddresses} can be.", nameof(addresses));

    /// <summary>A stream is over: the search begins where it was, unless the worker left it itself.</summary>
    /// <param name="isLeft">The coordinator was silent, or had an older term: the others come first, and it is passed over for a while.</param>
    public CoordinatorSearch Again(bool isLeft)
    {
        var (address, fresh) = (Address, this with { Tried = 0, IsHinted = false, Wait = FirstWait });
        if (!isLeft)
        {
            return fresh;
        }

        var at = Addresses.IndexOf(address);
        return (fresh with { Hint = null, Index = at < 0 ? Index : Next(at), PassedOver = address, RoundsLeft = RoundsPassedOver }).OnTheList();
    }

    /// <summary>An attempt was refused or not answered.</summary>
    /// <param name="owner">Whom the one that refused it named as the owner; null: nobody.</param>
    /// <param name="isMember">Whether the worker trains meanwhile.</param>
    /// <returns>The search with its next address, and how long to wait before it is tried.</returns>
    public (CoordinatorSearch Next, TimeSpan Wait) Refused(string? owner, bool isMember)
    {
        var next = Hint is not null ? this with { Hint = null } : this with { Index = Next(Index), Tried = Tried + 1 };
        if (owner is { Length: > 0 } && !IsHinted && owner != PassedOver && owner != Address)
        {
            return (next with { Hint = owner, IsHinted = true }, TimeSpan.Zero);
        }

        next = next.OnTheList();
        if (next.Tried < Addresses.Length)
        {
            return (next, TimeSpan.Zero);
        }

        var isOver = next.RoundsLeft <= 1;
        var wait = isMember ? MemberWait : next.Wait;
        return ((next with
        {
            Tried = 0, IsHinted = false, Wait = wait * 2 < LongestWait ? wait * 2 : LongestWait, RoundsLeft = isOver ? 0 : next.RoundsLeft - 1, PassedOver = isOver ? null : next.PassedOver,
        }).OnTheList(), wait);
    }

    /// <summary>Steps over the one that is passed over; it counts as tried.</summary>
    private CoordinatorSearch OnTheList() => Addresses.Length > 1 && Addresses[Index] == PassedOver ? this with { Index = Next(Index), Tried = Tried + 1 } : this;

    private int Next(int index) => (index + 1) % Addresses.Length;
}
