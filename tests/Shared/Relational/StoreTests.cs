using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Storage.Relational.Tests;

/// <summary>What both databases must keep. Each test has a store of its own.</summary>
public abstract class StoreTests
{
    /// <summary>An address with nothing in it.</summary>
    protected abstract Task<string> NewAddressAsync();

    [Fact]
    public async Task Open_EightAtOnce_TheSchemaIsMadeOnce()
    {
        var address = StoreAddress.Parse(await NewAddressAsync());
        var stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => RelationalStore.OpenAsync(address))));
        var versions = await stores[0].ReadAsync(session => session.QueryAsync("SELECT version FROM schema_versions", row => row.GetInt64(0), default), default);
        Assert.Equal(Enumerable.Range(1, Migrations.Newest).Select(version => (long)version), versions);
        await DisposeAsync(stores);
    }

    [Fact]
    public async Task Open_SchemaOfANewerProgram_IsRefusedWithBothVersions()
    {
        var address = StoreAddress.Parse(await NewAddressAsync());
        await using (var store = await RelationalStore.OpenAsync(address))
        {
            await store.WriteAsync(session => session.ExecuteAsync("INSERT INTO schema_versions (version, applied_at) VALUES (@0, {now})", default, 99L), default);
        }

        var problem = await Assert.ThrowsAsync<StoreException>(() => RelationalStore.OpenAsync(address));
        Assert.Equal(StoreFailure.Newer, problem.Failure);
        Assert.Contains($"schema 99 and this program knows up to {Migrations.Newest}", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Take_TenAtOnce_OneOwnsItUnderTheFirstTerm()
    {
        await using var store = await OpenAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => Task.Run(() => store.Leases.TakeAsync("pool", $"c-{i}", $"host:{i}", Some.Long))));
        var winner = Assert.Single(answers, answer => answer.IsGranted).Present!;
        Assert.Equal(1, winner.Term);
        Assert.All(answers, answer => Assert.Equal(winner.Ownership, answer.Present!.Ownership));
        Assert.All(answers.Where(answer => !answer.IsGranted), answer => Assert.Contains($"{winner.Owner} at {winner.Address} owns pool under term 1", answer.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Take_ManyRoundsOfLapses_NoTermIsGrantedTwice()
    {
        await using var store = await OpenAsync();
        var granted = new System.Collections.Concurrent.ConcurrentBag<(long Term, string Owner)>();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            for (var round = 0; round < 15; round++)
            {
                var answer = await store.Leases.TakeAsync("pool", $"c-{i}", "host:1", Some.Long);
                if (answer.IsGranted)
                {
                    granted.Add((answer.Present!.Term, answer.Present.Owner));
                    await store.Leases.GiveUpAsync(answer.Present.Ownership);
                }
            }
        })));
        Assert.NotEmpty(granted);
        Assert.All(granted.GroupBy(grant => grant.Term), term => Assert.Single(term.Select(grant => grant.Owner).Distinct()));
        Assert.Equal(granted.Max(grant => grant.Term), granted.Select(grant => grant.Term).Distinct().Count());
    }

    [Fact]
    public async Task Take_AgainByItsOwner_HasTheSameTerm()
    {
        await using var store = await OpenAsync();
        var first = await store.Leases.TakeAsync("pool", "c-1", "host:1", Some.Long);
        var again = await store.Leases.TakeAsync("pool", "c-1", "host:1", Some.Long);
        Assert.True(again.IsGranted);
        Assert.Equal(first.Present, again.Present);
    }

    [Fact]
    public async Task Renew_BeforeItLapses_KeepsTheTermAndPutsOffTheLapse()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        Assert.True((await store.Leases.RenewAsync(lease, 2 * Some.Long)).IsGranted);
        var present = await store.Leases.FindAsync("pool");
        Assert.Equal(lease, present!.Ownership);
        Assert.InRange(present.Remaining, Some.Long, 2 * Some.Long);
    }

    [Fact]
    public async Task Renew_AfterTheLapse_IsRefusedAndTheNextTermIsAnothers()
    {
        await using var store = await OpenAsync();
        var first = (await store.Leases.TakeAsync("pool", "c-1", "host:1", LeaseTable.ShortestLength)).Present!.Ownership;
        await WaitForLapseAsync(store);
        var late = await store.Leases.RenewAsync(first, Some.Long);
        Assert.False(late.IsGranted);
        Assert.Contains("c-1 cannot keep pool under term 1: it lapsed", late.Reason, StringComparison.Ordinal);

        var second = await TakeAsync(store, "c-2");
        Assert.Equal(2, second.Term);
        Assert.Contains("c-2 at host:1 has term 2", (await store.Leases.RenewAsync(first, Some.Long)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_OfAnOldTerm_IsRefusedCountedAndChangesNothing()
    {
        await using var store = await OpenAsync();
        var old = await TakeAsync(store, "c-1");
        await StoreAsync(store, old, Some.Change(1));
        await store.Leases.GiveUpAsync(old);
        Assert.IsType<WriteAnswer.Stored>(await store.Runs.WriteAsync(old, [Some.Change(2)])); // Nobody else owns it yet.
        var present = await TakeAsync(store, "c-2");

        var refused = Assert.IsType<WriteAnswer.Refused>(await store.Runs.WriteAsync(old, [Some.Change(3) with { Events = [new("late", "{}")] }]));
        Assert.Equal(present, refused.Present!.Ownership);
        Assert.Contains("c-1 writes under term 1 of pool, which c-2 at host:1 has under term 2", refused.Reason, StringComparison.Ordinal);
        Assert.Null(await store.Runs.ReserveAsync(old, "workers", 10));
        Assert.Equal(2, store.Runs.RefusedWrites);
        Assert.Equal((2, 1), ((await store.Runs.FindAsync(Some.Run))!.Version, (await store.Runs.FindAsync(Some.Run))!.Term));
        Assert.Empty(await store.Runs.EventsAsync(Some.Run, 0, 10));
        await StoreAsync(store, present, Some.Change(3));
    }

    [Fact]
    public async Task Write_RacesTheNextOwner_NoWriteOfAnOldTermStandsBehindOneOfANewer()
    {
        await using var store = await OpenAsync();
        await StoreAsync(store, await TakeAsync(store, "c-0"), Some.Change(1));
        await Task.WhenAll(Enumerable.Range(1, 4).Select(i => Task.Run(async () =>
        {
            for (var round = 0; round < 8; round++)
            {
                await store.Leases.GiveUpAsync((await store.Leases.FindAsync("pool"))!.Ownership);
                var taken = await store.Leases.TakeAsync("pool", $"c-{i}", "host:1", Some.Long);
                var version = (await store.Runs.FindAsync(Some.Run))!.Version;
                for (var write = 0; taken.IsGranted && write < 5; write++)
                {
                    await store.Runs.WriteAsync(taken.Present!.Ownership, [Some.Change(++version) with { Events = [new("write", $"{i}")] }]);
                }
            }
        })));
        var events = await store.Runs.EventsAsync(Some.Run, 0, 1000);
        Assert.NotEmpty(events);
        Assert.Equal(Enumerable.Range(1, events.Count).Select(sequence => (long)sequence), events.Select(line => line.Sequence));
        Assert.Equal(events.Select(line => line.Term).Order(), events.Select(line => line.Term));
    }

    [Fact]
    public async Task Write_SentAgainBecauseItsAnswerWasLost_IsStoredOnce()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        var change = Some.Change(1) with { Events = [new("run.queued", "{\"a\":1}")] };
        await StoreAsync(store, lease, change);
        await StoreAsync(store, lease, change);
        Assert.Equal([new StoredEvent(1, 1, "run.queued", "{\"a\":1}")], await store.Runs.EventsAsync(Some.Run, 0, 10));
    }

    [Fact]
    public async Task Write_WithAGap_IsOutOfOrderAndNothingOfTheBatchIsStored()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        await StoreAsync(store, lease, Some.Change(1));
        var other = new RunId("other");
        var answer = Assert.IsType<WriteAnswer.OutOfOrder>(await store.Runs.WriteAsync(lease, [Some.Change(other, 1), Some.Change(3)]));
        Assert.Equal((Some.Run.Value, 1), (answer.Of, answer.Present));
        Assert.Null(await store.Runs.FindAsync(other));
    }

    [Fact]
    public async Task Write_ThePoolWithRuns_IsStoredOnceAndWithThemOrNotAtAll()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        Assert.Null(await store.Pools.FindAsync("pool"));
        var first = new PoolChange("pool", 1, "{\"drained\":[1]}");
        for (var time = 0; time < 2; time++)
        {
            Assert.IsType<WriteAnswer.Stored>(await store.Runs.WriteAsync(lease, [Some.Change(1)], first));
            Assert.Equal(first, await store.Pools.FindAsync("pool"));
        }

        Assert.IsType<WriteAnswer.Stored>(await store.Runs.WriteAsync(lease, [], first with { Version = 2, Snapshot = "{}" }));

        // The first one comes late, for a second time.
        var answer = Assert.IsType<WriteAnswer.OutOfOrder>(await store.Runs.WriteAsync(lease, [Some.Change(2)], first));
        Assert.Equal(("pool", 2), (answer.Of, answer.Present));
        Assert.Equal((2, "{}"), (await store.Pools.FindAsync("pool") is { } pool ? (pool.Version, pool.Snapshot) : default));
        Assert.Equal(1, (await store.Runs.FindAsync(Some.Run))!.Version);
    }

    [Fact]
    public async Task Write_ThePoolUnderAnOldTerm_IsRefused()
    {
        await using var store = await OpenAsync();
        var old = await TakeAsync(store, "c-1");
        await store.Leases.GiveUpAsync(old);
        await TakeAsync(store, "c-2");
        Assert.IsType<WriteAnswer.Refused>(await store.Runs.WriteAsync(old, [], new PoolChange("pool", 1, "{}")));
        Assert.Null(await store.Pools.FindAsync("pool"));
    }

    /// <summary>As the program before this one left it.</summary>
    [Fact]
    public async Task Open_AStoreWithoutPools_GetsThemAndKeepsItsRuns()
    {
        var address = StoreAddress.Parse(await NewAddressAsync());
        await using (var former = await RelationalStore.OpenAsync(address))
        {
            await StoreAsync(former, await TakeAsync(former, "c-1"), Some.Change(1) with { Events = [new("a", "1")] });
            await GoBackAsync(former, 2, "DROP TABLE pools");
        }

        await using var store = await RelationalStore.OpenAsync(address);
        var lease = (await store.Leases.FindAsync("pool"))!.Ownership;
        Assert.IsType<WriteAnswer.Stored>(await store.Runs.WriteAsync(lease, [Some.Change(2)], new PoolChange("pool", 1, "{}")));
        Assert.Equal(("{}", 2), ((await store.Pools.FindAsync("pool"))!.Snapshot, (await store.Runs.FindAsync(Some.Run))!.Version));
        Assert.Equal(["1"], (await store.Runs.EventsAsync(Some.Run, 0, 10)).Select(line => line.Line));
    }

    [Fact]
    public async Task Write_EverythingOfARun_ComesBackAsItWas()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        var saved = new CheckpointRow(20, "/runs/a/checkpoints/step-00000020", "abc", DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123));
        var sample = new StepSample(20, new Generation(3), 1.5, 1e-3, null, 100, 0.01);
        await StoreAsync(store, lease, Some.Change(1) with { Events = [new("a", "{\"text\":\"ä\\u0000' \"}"), new("b", "2")], Checkpoints = [saved], Samples = [sample] });
        await StoreAsync(store, lease, Some.Change(2) with { Events = [new("c", "3")], Checkpoints = [saved with { WeightsSha256 = "def" }], Samples = [sample with { Loss = 2.5 }] });

        var row = (await store.Runs.FindAsync(Some.Run))!;
        Assert.Equal((1, "{\"seed\":1}", "running", false, new Generation(2), "{\"version\":2}", 2, 1, 3), (row.Number, row.Order, row.State, row.IsEnded, row.Generation, row.Snapshot, row.Version, row.Term, row.Events));
        Assert.Equal(["{\"text\":\"ä\\u0000' \"}", "2", "3"], (await store.Runs.EventsAsync(Some.Run, 0, 10)).Select(line => line.Line));
        Assert.Equal("c", Assert.Single(await store.Runs.EventsAsync(Some.Run, 2, 10)).Name);
        Assert.Equal([saved with { WeightsSha256 = "def" }], await store.Runs.CheckpointsAsync(Some.Run));
        Assert.Equal([sample with { Loss = 2.5 }], await store.Runs.SamplesAsync(Some.Run, 0, 10));
    }

    [Fact]
    public async Task Load_LiveAndEndedRuns_AllLiveOnesAndTheLastEndedInOrder()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        await StoreAsync(store, lease, [.. Enumerable.Range(1, 6).Select(i => Some.Change(new RunId($"run-{i}"), 1) with { IsEnded = i is 1 or 3 or 5 })]);
        Assert.Equal(["run-2", "run-3", "run-4", "run-5", "run-6"], (await store.Runs.LoadAsync(ended: 2)).Select(run => run.Run.Value));
    }

    [Fact]
    public async Task Open_AStoreOfTheFirstSchema_ItsLeaseKeepsItsTermAndHasNoAddressForHttp()
    {
        var address = StoreAddress.Parse(await NewAddressAsync());
        await using (var store = await RelationalStore.OpenAsync(address))
        {
            await TakeAsync(store, "c-1");
            await GoBackAsync(store, 1, "DROP TABLE pools", "ALTER TABLE leases DROP COLUMN http_address");
        }

        await using var migrated = await RelationalStore.OpenAsync(address);

        Assert.Equal(("c-1", 1, ""), await migrated.Leases.FindAsync("pool") is { } kept ? (kept.Owner, kept.Term, kept.HttpAddress) : default);
        var taken = await migrated.Leases.TakeAsync("pool", "c-1", "host:1", Some.Long, "https://host:2");
        Assert.Equal(("https://host:2", "https://host:2"), (taken.Present!.HttpAddress, (await migrated.Leases.FindAsync("pool"))!.HttpAddress));
        Assert.Equal("https://host:2", (await migrated.Leases.RenewAsync(taken.Present.Ownership, Some.Long)).Present!.HttpAddress);
    }

    [Fact]
    public async Task Prune_RunsThatEndedLongAgo_LoseTheirHistoryAndStayListed()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        foreach (var i in Enumerable.Range(1, 25))
        {
            await StoreAsync(store, lease, Some.Change(new RunId($"run-{i}"), 1) with
            {
                IsEnded = i != 7, Events = [new("a", "1"), new("b", "2")], Samples = [Sample(1)], Checkpoints = [new CheckpointRow(1, "/c", "abc", DateTimeOffset.UnixEpoch)],
            });
        }

        // Nothing is a day old.
        Assert.Equal(new Pruned(0, 0), await store.History.PruneAsync(lease, new HistoryBounds { Kept = TimeSpan.FromDays(1) }));
        var ago = new HistoryBounds { Kept = TimeSpan.FromDays(-1), RowsAtOnce = 5 };
        var turns = new List<Pruned>();
        while (await store.History.PruneAsync(lease, ago) is { IsNothing: false } pruned)
        {
            turns.Add(pruned);
        }

        Assert.Equal((48, 24), (turns.Sum(turn => turn.Events), turns.Sum(turn => turn.Samples)));
        Assert.All(turns, turn => Assert.InRange(turn.Events + turn.Samples, 1, 5));
        Assert.Equal(25, (await store.Runs.LoadAsync(ended: 100)).Length);
        Assert.Equal((0, 0, 1), (await CountAsync(store, new RunId("run-1"))));
        Assert.Equal((2, 1, 1), (await CountAsync(store, new RunId("run-7"))));
        await StoreAsync(store, lease, Some.Change(new RunId("run-1"), 2) with { Events = [new("c", "3")] });
        Assert.Equal(3, Assert.Single(await store.Runs.EventsAsync(new RunId("run-1"), 0, 10)).Sequence);
    }

    [Fact]
    public async Task Prune_ARunWithTooMuch_KeepsItsLastEventsAndSamplesOfAllOfIt()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        await StoreAsync(store, lease, Some.Change(1) with
        {
            Events = [.. Enumerable.Range(1, 30).Select(i => new RunEventLine("e", $"{i}"))], Samples = [.. Enumerable.Range(1, 41).Select(step => Sample(step))],
        });
        await StoreAsync(store, lease, Some.Change(new RunId("other"), 1) with { Events = [new("a", "1")], Samples = [Sample(1)] });
        var bounds = new HistoryBounds { MaxEvents = 10, MaxSamples = 20 };

        Assert.Equal(new Pruned(20, 20), await store.History.PruneAsync(lease, bounds));
        Assert.Equal(new Pruned(0, 10), await store.History.PruneAsync(lease, bounds));
        Assert.Equal(new Pruned(0, 0), await store.History.PruneAsync(lease, bounds));
        await ExpectPrunedAsync(store);
    }

    /// <summary>One transaction took all that was too much of a run, or all of ten runs, and the lease's row was held meanwhile.</summary>
    [Fact]
    public async Task Prune_InSmallParts_TakesNoMoreAtOnceAndComesToTheSame()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        await StoreAsync(store, lease, Some.Change(1) with
        {
            Events = [.. Enumerable.Range(1, 30).Select(i => new RunEventLine("e", $"{i}"))], Samples = [.. Enumerable.Range(1, 41).Select(step => Sample(step))],
        });
        await StoreAsync(store, lease, Some.Change(new RunId("other"), 1) with { Events = [new("a", "1")], Samples = [Sample(1)] });
        var bounds = new HistoryBounds { MaxEvents = 10, MaxSamples = 20, RowsAtOnce = 7 };
        var turns = new List<Pruned>();
        while (await store.History.PruneAsync(lease, bounds) is { IsNothing: false } pruned)
        {
            turns.Add(pruned);
        }

        Assert.Equal((20, 30), (turns.Sum(turn => turn.Events), turns.Sum(turn => turn.Samples)));
        Assert.All(turns, turn => Assert.InRange(turn.Events + turn.Samples, 1, 7));
        await ExpectPrunedAsync(store);
    }

    [Fact]
    public async Task Prune_AfterATakeOver_GoesOnWhereItStopped()
    {
        await using var store = await OpenAsync();
        var first = await TakeAsync(store, "c-1");
        await StoreAsync(store, first, Some.Change(1) with
        {
            IsEnded = true, Events = [.. Enumerable.Range(1, 30).Select(i => new RunEventLine("e", $"{i}"))], Samples = [.. Enumerable.Range(1, 41).Select(step => Sample(step))],
        });
        var bounds = new HistoryBounds { Kept = TimeSpan.FromDays(-1), RowsAtOnce = 20 };
        Assert.Equal(new Pruned(20, 0), await store.History.PruneAsync(first, bounds));
        await store.Leases.GiveUpAsync(first);
        var second = await TakeAsync(store, "c-2");
        Assert.Null(await store.History.PruneAsync(first, bounds));
        Assert.Equal((10, 41, 0), await CountAsync(store, Some.Run));

        // The first that are left are the newer ones.
        Assert.Equal("21", (await store.Runs.EventsAsync(Some.Run, 0, 1))[0].Line);
        foreach (var turn in new Pruned[] { new(10, 10), new(0, 20), new(0, 11), new(0, 0) })
        {
            Assert.Equal(turn, await store.History.PruneAsync(second, bounds));
        }
    }

    /// <summary>Of 30 events the last ten are left, of 41 samples every fourth; another run is as it was.</summary>
    private static async Task ExpectPrunedAsync(RelationalStore store)
    {
        Assert.Equal(Enumerable.Range(21, 10).Select(i => $"{i}"), (await store.Runs.EventsAsync(Some.Run, 0, 100)).Select(line => line.Line));
        Assert.Equal(Enumerable.Range(0, 11).Select(i => 1L + (4 * i)), (await store.Runs.SamplesAsync(Some.Run, 0, 100)).Select(sample => sample.Step));
        Assert.Equal((1, 1, 0), await CountAsync(store, new RunId("other")));
    }

    [Fact]
    public async Task Prune_UnderAnOldTerm_IsRefused()
    {
        await using var store = await OpenAsync();
        var old = await TakeAsync(store, "c-1");
        await StoreAsync(store, old, Some.Change(1) with { IsEnded = true, Events = [new("a", "1")] });
        await store.Leases.GiveUpAsync(old);
        await TakeAsync(store, "c-2");

        Assert.Null(await store.History.PruneAsync(old, new HistoryBounds { Kept = TimeSpan.FromDays(-1) }));
        Assert.Equal((1, 0, 0), await CountAsync(store, Some.Run));
    }

    [Fact]
    public async Task Reserve_FourAtOnce_NoNumberIsGivenTwice()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        var blocks = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => store.Runs.ReserveAsync(lease, "workers", 10))));
        Assert.Equal([1, 11, 21, 31], blocks.Order());
    }

    /// <summary>Makes a store what a former program left.</summary>
    /// <param name="store">Of the newest schema.</param>
    /// <param name="version">Of the schema.</param>
    /// <param name="undoing">What undoes the later migrations.</param>
    private static async Task GoBackAsync(RelationalStore store, long version, params string[] undoing)
    {
        foreach (var statement in undoing)
        {
            await store.WriteAsync(session => session.ExecuteAsync(statement, default), default);
        }

        await store.WriteAsync(session => session.ExecuteAsync("DELETE FROM schema_versions WHERE version > @0", default, version), default);
    }

    private static StepSample Sample(long step) => new(step, new Generation(1), 1, null, null, null, null);

    private static async Task<(int Events, int Samples, int Checkpoints)> CountAsync(RelationalStore store, RunId run) =>
        ((await store.Runs.EventsAsync(run, 0, 1000)).Count, (await store.Runs.SamplesAsync(run, 0, 1000)).Count, (await store.Runs.CheckpointsAsync(run)).Count);

    protected async Task<RelationalStore> OpenAsync() => await RelationalStore.OpenAsync(StoreAddress.Parse(await NewAddressAsync()));

    protected static async Task<Ownership> TakeAsync(RelationalStore store, string owner)
    {
        var answer = await store.Leases.TakeAsync("pool", owner, "host:1", Some.Long);
        Assert.True(answer.IsGranted, answer.Reason);
        return answer.Present!.Ownership;
    }

    protected static Task StoreAsync(RelationalStore store, Ownership ownership, RunChange change) => StoreAsync(store, ownership, [change]);

    private static async Task StoreAsync(RelationalStore store, Ownership ownership, ImmutableArray<RunChange> changes) =>
        Assert.IsType<WriteAnswer.Stored>(await store.Runs.WriteAsync(ownership, changes));

    private static async Task DisposeAsync(IEnumerable<RelationalStore> stores)
    {
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }
    }

    /// <summary>The store's clock is the database's: nothing of ours moves it, so its lapse is asked for.</summary>
    private static async Task WaitForLapseAsync(RelationalStore store)
    {
        while ((await store.Leases.FindAsync("pool"))!.IsLapsed == false)
        {
            await Task.Delay(10);
        }
    }
}
