using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Coordinator.Core.Tests.Members;

/// <summary>A worker that keeps what Protocol/GENERATIONS.md says a member promises, without arithmetic: a step's gradient is the fact that it is decided.</summary>
internal sealed class FakeMember(FakeCluster cluster, WorkerId id)
{
    private readonly List<(long Feed, WorkerId Joiner)> _feeds = [];
    private long _follows;
    private Generation? _enter;
    private bool _isReleased = true;

    public WorkerId Id { get; } = id;

    public Queue<CoordinatorMessage> Orders { get; } = new();

    /// <summary>What donors push: the feed, the step, and the generation to enter when it is the last.</summary>
    public Queue<(long Feed, long Step, Generation? Enter)> Pushed { get; } = new();

    public bool IsAlive { get; set; } = true;

    /// <summary>Computes nothing and hears nothing, though its stream lives.</summary>
    public bool IsFrozen { get; set; }

    public long Decided { get; private set; }

    public bool HasReduced { get; private set; }

    /// <summary>It takes part in this generation's exchange; None: in none.</summary>
    public Generation In { get; private set; } = Generation.None;

    /// <summary>Everything older is refused.</summary>
    public Generation Newest { get; private set; } = Generation.None;

    /// <summary>The highest that it may change to.</summary>
    public Generation Prepared { get; private set; } = Generation.None;

    /// <summary>Everybody's ranks in the generation that it is in, or was in last.</summary>
    public ImmutableArray<Member> Members { get; private set; } = [];

    public long Start { get; private set; }

    public long Last { get; private set; }

    /// <summary>It waits for the reduced gradient of Start from this member.</summary>
    public WorkerId? Donor { get; private set; }

    public bool HasFinished { get; private set; }

    /// <summary>It was asked to end after a step.</summary>
    public bool Ends { get; private set; }

    private CoordinatorMessage.Switch? Next { get; set; }

    /// <summary>Ranks of the step that it computes now.</summary>
    public ImmutableArray<int> Ranks(long step)
    {
        var own = Members.First(member => member.Worker == Id);
        return step == Start + 1 && !own.FirstStepRanks.IsDefault
            ? [.. own.FirstStepRanks.SelectMany(range => Enumerable.Range(range.First, range.Count))]
            : [.. Enumerable.Range(own.FirstRank, own.RankCount)];
    }

    public void Obey(CoordinatorMessage message)
    {
        switch (message)
        {
            case CoordinatorMessage.Prepare prepare:
                (Decided, HasReduced, _isReleased) = (prepare.ResumeFrom is { } path ? long.Parse(path.Split('-')[^1]) : 0, false, false);
                (HasFinished, Ends, Newest, In, Members) = (false, false, prepare.Generation, Generation.None, []);
                cluster.Say(this, Conversation.Prepared(prepare.Generation.Number, appliedSteps: Decided));
                break;
            case CoordinatorMessage.Activate activate when activate.Generation >= Newest:
                (In, Newest, Prepared, Next, Ends) = (activate.Generation, activate.Generation, activate.Generation, null, false);
                (Members, Start, Last) = (activate.Members, activate.StartStep, activate.LastStep);

                // A feed to a worker that is a member now is over, on both sides.
                (_follows, _enter) = (0, null);
                _feeds.RemoveAll(feed => Members.Any(member => member.Worker == feed.Joiner));
                Donor = Decided < Start ? Members[activate.Donor!.Value].Worker : null;
                cluster.Say(this, new WorkerMessage.Entered(In, Start));
                FinishIfDone();
                break;
            case CoordinatorMessage.Fence fence when fence.Generation > Newest:
                ImmutableArray<RankRange> held = Members.Any(member => member.Worker == Id) && Donor is null
                    ? [.. Ranks(Decided + 1).Select(rank => new RankRange(rank, 1))]
                    : [];
                (Newest, In, Next, Donor) = (fence.Generation, Generation.None, null, null);
                cluster.Say(this, new WorkerMessage.Fenced(fence.Generation, Decided, held, HasReduced));
                break;
            case CoordinatorMessage.Switch change when change.Generation > Newest:
                (Next, Prepared) = (change, change.Generation);
                EnterIfTold();
                break;
            case CoordinatorMessage.PrepareEnd end when end.Generation == In:
                Ends = true;
                break;
            case CoordinatorMessage.Feed feed:
                _feeds.Add((feed.FeedId, feed.Joiner));
                cluster.Push(feed.Joiner, (feed.FeedId, Decided, null));
                break;
            case CoordinatorMessage.Follow follow:
                _follows = follow.FeedId;
                break;
            case CoordinatorMessage.SaveCheckpoint:
                cluster.Say(this, new WorkerMessage.CheckpointSaved(Newest, Decided, $"/ck/step-{Decided}", $"w{Decided}", 1, 0, 0, null));
                break;
            case CoordinatorMessage.Abort abort:
                In = Generation.None;
                cluster.Say(this, new WorkerMessage.Aborted(abort.Generation, Decided));
                break;
            case CoordinatorMessage.Release:
                (In, Members, Next, Donor, _isReleased, _follows) = (Generation.None, [], null, null, true, 0);
                _enter = null;
                _feeds.Clear();
                break;
        }
    }

    public void ObeyNext() => Obey(Orders.Dequeue());

    /// <summary>A donor's push waits for the coordinator's word about it.</summary>
    public bool CanFollow => Pushed.TryPeek(out var next) && next.Feed <= _follows;

    /// <summary>Applies what a donor pushed.</summary>
    public void Follow()
    {
        var (feed, step, enter) = Pushed.Dequeue();
        if (feed != _follows)
        {
            return;
        }

        (Decided, HasReduced) = (step, true);
        cluster.Say(this, new WorkerMessage.Followed(feed, step));
        _enter = enter;
        EnterIfTold();
    }

    /// <summary>Takes the reduced gradient that it lacks.</summary>
    public bool TakeFromDonor()
    {
        if (Donor is not { } donor || cluster.Find(donor) is not { IsAlive: true, IsFrozen: false, HasReduced: true } giver || giver.Decided < Start)
        {
            return false;
        }

        (Donor, Decided, HasReduced) = (null, Start, true);
        Report(Ranks(Start).Length);
        FinishIfDone();
        return true;
    }

    /// <summary>Every member has contributed to the step: this one holds the whole gradient now.</summary>
    /// <param name="step">Decided + 1.</param>
    /// <param name="agreed">The highest generation that all had prepared when the step began.</param>
    /// <param name="allEnd">All had been asked to end.</param>
    public void Decide(long step, Generation agreed, bool allEnd)
    {
        var samples = Ranks(step).Length;
        (Decided, HasReduced) = (step, true);
        Report(samples);
        var enter = Next is { } change && agreed == change.Generation ? change : null;
        foreach (var (feed, joiner) in _feeds.ToList())
        {
            cluster.Push(joiner, (feed, step, enter?.Generation));
        }

        Last = allEnd ? step : Last;
        if (enter is not null)
        {
            _feeds.RemoveAll(feed => enter.Members.Any(member => member.Worker == feed.Joiner));
            ChangeTo(enter);
        }

        FinishIfDone();
    }

    /// <summary>The donor's last word may come before the coordinator's.</summary>
    private void EnterIfTold()
    {
        if (_enter is { } generation && Next is { } change && change.Generation == generation)
        {
            _enter = null;
            ChangeTo(change);
        }
    }

    private void Report(int samples) => cluster.Say(this, new WorkerMessage.Progress(In, Decided, 1, samples, 0, 0, default, 1));

    private void ChangeTo(CoordinatorMessage.Switch change)
    {
        Next = null;
        if (change.Members.All(member => member.Worker != Id))
        {
            (In, Newest) = (Generation.None, change.Generation);
            cluster.Say(this, new WorkerMessage.Left(change.Generation, Decided));
            return;
        }

        (In, Newest, Prepared, Members, Start, Last) = (change.Generation, change.Generation, change.Generation, change.Members, Decided, change.LastStep);
        cluster.Say(this, new WorkerMessage.Entered(In, Decided));
        FinishIfDone();
    }

    private void FinishIfDone()
    {
        if (Decided < Last || HasFinished || _isReleased || Donor is not null || In == Generation.None)
        {
            return;
        }

        HasFinished = true;
        if (Members[0].Worker == Id)
        {
            cluster.Say(this, new WorkerMessage.CheckpointSaved(In, Decided, $"/ck/step-{Decided}", $"w{Decided}", 1, 0, 0, null));
        }

        cluster.Say(this, new WorkerMessage.Finished(In, Decided, $"w{Decided}", 1));
    }
}
