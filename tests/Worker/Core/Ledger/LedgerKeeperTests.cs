using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Core.Ledger;

namespace Orchestrator.Worker.Core.Tests.Ledger;

public class LedgerKeeperTests
{
    private readonly LedgerKeeper _keeper = new();

    [Fact]
    public void Take_AStep_GivesItsOwnEntriesAndOlderOnesOnce()
    {
        _keeper.Add(Entry(1, 3));
        _keeper.Add(Entry(2, 0));
        _keeper.Add(Entry(3, 0));

        Assert.Equal([Entry(1, 3), Entry(2, 0)], _keeper.Take(2, withPeers: false));
        Assert.Empty(_keeper.Take(2, withPeers: false));
        Assert.Equal([Entry(3, 0)], _keeper.OwnOf(3));
    }

    [Fact]
    public void Take_WithPeers_GivesWhatWasToldOfStepsThatAreApplied()
    {
        _keeper.Add(Entry(2, 0));
        _keeper.AddOfPeer(Entry(1, 1));
        _keeper.AddOfPeer(Entry(2, 1));
        _keeper.AddOfPeer(Entry(3, 1));

        Assert.Equal([Entry(2, 0), Entry(1, 1), Entry(2, 1)], _keeper.Take(2, withPeers: true));
    }

    [Fact]
    public void OfPeers_FromAStepOn_GivesWhatWasToldAndKeepsIt()
    {
        _keeper.AddOfPeer(Entry(1, 1));
        _keeper.AddOfPeer(Entry(2, 1));
        _keeper.AddOfPeer(Entry(3, 1));

        Assert.Equal([Entry(2, 1), Entry(3, 1)], _keeper.OfPeers(2));
        Assert.Equal([Entry(2, 1), Entry(3, 1)], _keeper.OfPeers(2));
    }

    [Fact]
    public void Of_AStep_GivesItsOwnAndThePeersEntriesAndKeepsThem()
    {
        _keeper.Add(Entry(2, 0));
        _keeper.AddOfPeer(Entry(2, 1));
        _keeper.AddOfPeer(Entry(3, 1));

        Assert.Equal([Entry(2, 0), Entry(2, 1)], _keeper.Of(2));
        Assert.Equal([Entry(2, 0)], _keeper.Take(2, withPeers: false));
    }

    [Fact]
    public void AddOfPeer_ManySteps_TheOldestAreForgotten()
    {
        for (var step = 1; step <= 1000; step++)
        {
            _keeper.AddOfPeer(Entry(step, 1));
        }

        Assert.Equal(
            Enumerable.Range(1001 - LedgerKeeper.MaxPeerSteps, LedgerKeeper.MaxPeerSteps), _keeper.Take(1000, withPeers: true).Select(entry => (int)entry.Step));
    }

    /// <summary>Sixty-four steps are a tenth of a second of a small model, and the coordinator does not hear a member that is cut off from it for ten.</summary>
    [Fact]
    public void AddOfPeer_StepsThatAreNotRecorded_AreKeptUntilTheyAre()
    {
        for (var step = 1; step <= 1000; step++)
        {
            _keeper.AddOfPeer(Entry(step, 1));
            _keeper.Forget(10);
        }

        Assert.Equal((11, 990), ((int)_keeper.OfPeers(1)[0].Step, _keeper.OfPeers(1).Length));

        _keeper.Forget(1000);
        Assert.Equal(LedgerKeeper.MaxPeerSteps, _keeper.OfPeers(1).Length);
    }

    [Fact]
    public void AddOfPeer_WhileNobodyRecords_TheOldestAreForgottenAboveTheBound()
    {
        _keeper.Forget(0);
        for (var step = 1; step <= LedgerKeeper.MaxPeerEntries + 5; step++)
        {
            _keeper.AddOfPeer(Entry(step, 1));
        }

        Assert.Equal((6, LedgerKeeper.MaxPeerEntries), ((int)_keeper.OfPeers(1)[0].Step, _keeper.OfPeers(1).Length));
    }

    private static LedgerEntry Entry(long step, int rank) => new(step, rank, 8, new SampleDigest((ulong)step, (ulong)rank));
}
