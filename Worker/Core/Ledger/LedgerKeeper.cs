using System.Collections.Immutable;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Worker.Core.Ledger;

/// <summary>Keeps what was fed to the logical ranks that this worker computed until the step is applied and they are reported, and what peers told of theirs for longer.</summary>
/// <remarks>
/// A rank whose gradient outlives its generation keeps its entry too. Peers' entries are reported once in every generation: a member
/// that died may have been lost before its own report of a decided step was out. Thread-safe.
/// </remarks>
public sealed class LedgerKeeper
{
    /// <summary>The last steps of which peers' entries are kept in any case: a member's reports are behind its steps by a few. As many as the coordinator compares late reports with.</summary>
    public const int MaxPeerSteps = LedgerRule.MaxKeptSteps;

    /// <summary>
    /// Of peers, and so of one report, which stays below the 4 MiB of a message with 34 bytes each. With eight logical ranks they are those of eight thousand steps: a member that
    /// the coordinator cannot hear is given up after ten seconds.
    /// </summary>
    public const int MaxPeerEntries = 65_536;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<(long Step, int LogicalRank), LedgerEntry> _own = [];
    private readonly SortedDictionary<(long Step, int LogicalRank), LedgerEntry> _peers = [];

    // A coordinator that records nothing lives and dies with the run.
    private long _recorded = long.MaxValue;
    private long _newest;

    /// <summary>A rank that is computed again replaces its entry.</summary>
    public void Add(LedgerEntry entry)
    {
        lock (_gate)
        {
            _own[(entry.Step, entry.LogicalRank)] = entry;
        }
    }

    /// <summary>What a peer fed to a rank of its own.</summary>
    public void AddOfPeer(LedgerEntry entry)
    {
        lock (_gate)
        {
            _peers[(entry.Step, entry.LogicalRank)] = entry;
            _newest = entry.Step;
            ForgetOld();
        }
    }

    /// <summary>The coordinator has recorded what was fed in the steps up to this one. From the first time on what is not recorded is kept for longer than <see cref="MaxPeerSteps"/>.</summary>
    /// <param name="step">Its number: steps applied with it.</param>
    public void Forget(long step)
    {
        lock (_gate)
        {
            _recorded = step;
            ForgetOld();
        }
    }

    /// <summary>This worker's entries of one step.</summary>
    /// <param name="step">Its number: steps applied with it.</param>
    public ImmutableArray<LedgerEntry> OwnOf(long step)
    {
        lock (_gate)
        {
            return [.. _own.Values.Where(entry => entry.Step == step)];
        }
    }

    /// <summary>Everything that is known of one step, for a joiner that follows without an exchange of its own.</summary>
    /// <param name="step">Its number: steps applied with it.</param>
    public ImmutableArray<LedgerEntry> Of(long step)
    {
        lock (_gate)
        {
            return [.. _own.Values.Concat(_peers.Values).Where(entry => entry.Step == step)];
        }
    }

    /// <summary>What peers told of their ranks in a step and in those behind it.</summary>
    /// <param name="fromStep">The first step.</param>
    public ImmutableArray<LedgerEntry> OfPeers(long fromStep)
    {
        lock (_gate)
        {
            return [.. _peers.Values.SkipWhile(entry => entry.Step < fromStep)];
        }
    }

    /// <summary>The entries of a step that is applied, and of those before it; this worker's own are not kept any longer.</summary>
    /// <param name="step">Its number: steps applied with it.</param>
    /// <param name="withPeers">Whether to give what peers told as well.</param>
    public ImmutableArray<LedgerEntry> Take(long step, bool withPeers)
    {
        lock (_gate)
        {
            var own = _own.Values.TakeWhile(entry => entry.Step <= step).ToImmutableArray();
            foreach (var entry in own)
            {
                _own.Remove((entry.Step, entry.LogicalRank));
            }

            return withPeers ? [.. own, .. _peers.Values.TakeWhile(entry => entry.Step <= step)] : own;
        }
    }

    private void ForgetOld()
    {
        while (_peers.Count > 0 && _peers.Keys.First().Step is var first && ((first <= _newest - MaxPeerSteps && first <= _recorded) || _peers.Count > MaxPeerEntries))
        {
            _peers.Remove(_peers.Keys.First());
        }
    }
}
