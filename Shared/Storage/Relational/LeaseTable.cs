using System.Data.Common;

namespace Orchestrator.Storage.Relational;

/// <summary>Leases with terms. They lapse by the store's clock; a term is never used twice.</summary>
public sealed class LeaseTable
{
    /// <summary>A shorter one lapses between two renewals of a busy owner.</summary>
    public static readonly TimeSpan ShortestLength = TimeSpan.FromMilliseconds(100);

    private const string Select = "SELECT name, owner, address, term, expires_at - {now}, http_address FROM leases WHERE name = @0";

    private readonly RelationalStore _store;

    internal LeaseTable(RelationalStore store) => _store = store;

    /// <summary>Takes a lease that is free or has lapsed, under the next term. Asked again by its owner before it lapses: the same term, for the length from now on
    /// (so an answer that was lost costs nothing).</summary>
    /// <param name="name">What is to be owned.</param>
    /// <param name="owner">The process.</param>
    /// <param name="address">Where it is reached.</param>
    /// <param name="length">At least <see cref="ShortestLength"/>.</param>
    /// <param name="httpAddress">Where it serves HTTP; empty: nowhere that others reach.</param>
    /// <param name="cancellation">Ends the wait; whether it was taken is not known then.</param>
    /// <exception cref="StoreException">The store failed; whether it was taken is not known then.</exception>
    public Task<LeaseAnswer> TakeAsync(string name, string owner, string address, TimeSpan length, string httpAddress = "", CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, ShortestLength);
        return _store.WriteAsync(
            async session =>
            {
                // The row is made first, already lapsed, so that two who come at once meet at its lock.
                await session.ExecuteAsync(
                    "INSERT INTO leases (name, owner, address, term, expires_at) VALUES (@0, '', '', 0, 0) ON CONFLICT (name) DO NOTHING", cancellation, name).ConfigureAwait(false);
                var present = (await FindAsync(session, name, cancellation).ConfigureAwait(false))!;
                if (!present.IsLapsed && present.Owner != owner)
                {
                    return new LeaseAnswer(
                        IsGranted: false, present, $"{present.Owner} at {present.Address} owns {name} under term {present.Term} for another {present.Remaining.TotalMilliseconds:0} ms.");
                }

                var term = present.IsLapsed ? present.Term + 1 : present.Term;
                await session.ExecuteAsync(
                    "UPDATE leases SET owner = @1, address = @2, term = @3, expires_at = {now} + @4, http_address = @5 WHERE name = @0", cancellation,
                    name, owner, address, term, (long)length.TotalMilliseconds, httpAddress).ConfigureAwait(false);
                return new LeaseAnswer(IsGranted: true, new Lease(name, owner, address, term, length) { HttpAddress = httpAddress }, $"{owner} owns {name} under term {term}.");
            }, cancellation);
    }

    /// <summary>Extends a lease that has not lapsed. One that has is not revived: it is taken anew, under a new term.</summary>
    /// <inheritdoc cref="TakeAsync"/>
    public Task<LeaseAnswer> RenewAsync(Ownership ownership, TimeSpan length, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, ShortestLength);
        return _store.WriteAsync(
            async session =>
            {
                var present = await FindAsync(session, ownership.Lease, cancellation).ConfigureAwait(false);
                if (present is null || present.Owner != ownership.Owner || present.Term != ownership.Term || present.IsLapsed)
                {
                    return new LeaseAnswer(IsGranted: false, present, WhyNotRenewed(ownership, present));
                }

                await session.ExecuteAsync("UPDATE leases SET expires_at = {now} + @1 WHERE name = @0", cancellation, ownership.Lease, (long)length.TotalMilliseconds)
                    .ConfigureAwait(false);
                return new LeaseAnswer(IsGranted: true, present with { Remaining = length }, $"{ownership.Owner} keeps {ownership.Lease} under term {ownership.Term}.");
            }, cancellation);
    }

    /// <summary>Lets a lease lapse now, so that another need not wait. Of a lease that is another's nothing changes.</summary>
    public Task GiveUpAsync(Ownership ownership, CancellationToken cancellation = default) => _store.WriteAsync(
        session => session.ExecuteAsync(
            "UPDATE leases SET expires_at = 0 WHERE name = @0 AND owner = @1 AND term = @2", cancellation, ownership.Lease, ownership.Owner, ownership.Term), cancellation);

    /// <returns>Null when nobody ever had it.</returns>
    public Task<Lease?> FindAsync(string name, CancellationToken cancellation = default) =>
        _store.ReadAsync(session => session.FirstAsync(Select, Read, cancellation, name), cancellation);

    /// <summary>Within a transaction: nobody takes the lease before it ends.</summary>
    internal static Task<Lease?> FindAsync(StoreSession session, string name, CancellationToken cancellation) =>
        session.FirstAsync($"{Select} {{lock}}", Read, cancellation, name);

    private static Lease Read(DbDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt64(3), TimeSpan.FromMilliseconds(row.GetInt64(4))) { HttpAddress = row.GetString(5) };

    private static string WhyNotRenewed(Ownership ownership, Lease? present)
    {
        var who = $"{ownership.Owner} cannot keep {ownership.Lease} under term {ownership.Term}";
        return present is null ? $"{who}: nobody has it."
            : present.Term != ownership.Term || present.Owner != ownership.Owner ? $"{who}: {present.Owner} at {present.Address} has term {present.Term}."
            : $"{who}: it lapsed {-present.Remaining.TotalMilliseconds:0} ms ago.";
    }
}
