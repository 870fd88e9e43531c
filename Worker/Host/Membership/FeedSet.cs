using System.Collections.Concurrent;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Core.Membership;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Feeds and gifts of a member, given and taken. Called under the member's lock, but for what the training thread does with a state.</summary>
internal sealed class FeedSet(PreparedRun run, CollectiveServer server, ReducedBuffers buffers, Action<MemberEvent> post)
{
    // The training thread looks into it too.
    private readonly ConcurrentDictionary<long, FeedGiver> _given = [];
    private readonly List<FeedGiver> _ended = [];
    private readonly List<VectorSender> _gifts = [];
    private readonly List<Task> _closing = [];
    private Task _making = Task.CompletedTask;
    private Taken? _feed;
    private Taken? _gift;

    private string Transport => run.Job.AllReduce.Transport;

    public void Take(long feedId)
    {
        CloseTaken();
        _feed = Open(VectorPieces.FeedName(run.Order.Run.Value), feedId, run.Replica.Image.Bytes, new FeedEvents(feedId, post, run.Ledger.AddOfPeer), VectorPieces.TakenName(run.Order.Run.Value));
        // For gradients that travel, and for this worker's first steps as a member.
        MakeSpare();
    }

    public void AwaitGift(Generation generation)
    {
        Close(ref _gift);
        _gift = Open(VectorPieces.GiftName(run.Order.Run.Value), generation.Number, 0, new GiftEvents(generation, post));
    }

    public void Give(MemberEffect.Give gift)
    {
        var call = new BulkCall(VectorPieces.GiftName(run.Order.Run.Value), gift.Generation.Number, gift.Self);
        var sender = new VectorSender(call, gift.To.CollectiveAddress, Transport, buffers, hasState: false, _ => { }, server.Security);
        _gifts.Add(sender);
        sender.SendGradient(gift.Step);
        sender.End(gift.Step, gift.Generation);
    }

    /// <summary>A joiner is to get the state: connects to it and makes room for the copy, behind this call.</summary>
    public void Ready(MemberEffect.ReadyFeed order) => _given[order.FeedId] = new FeedGiver(run, server, buffers, order, post);

    /// <summary>The state is copied next: gradients that are pushed from now on wait behind it.</summary>
    public void Begin(MemberWork.Snapshot work)
    {
        if (_given.TryGetValue(work.FeedId, out var feed))
        {
            feed.IsBegun = true;
        }
    }

    /// <summary>On the training thread: copies the state and sends it.</summary>
    public void SendState(long feedId)
    {
        if (_given.TryGetValue(feedId, out var feed))
        {
            feed.SendState();
        }
    }

    /// <summary>On the training thread: takes over the state that came. Nothing is done when its feed is not taken any more.</summary>
    public void LoadState(MemberWork.LoadState work)
    {
        if (_feed is { } feed && feed.Number == work.FeedId)
        {
            feed.Receiver.LoadState(state => run.Replica.Load(state, work.Step));
            buffers.KeepFrom(work.Step);
        }
    }

    public void Push(long step)
    {
        var isPushed = false;
        foreach (var (feedId, feed) in _given)
        {
            if (!feed.IsBegun)
            {
                continue;
            }

            if (feed.Sender.Backlog >= buffers.MaxBacklog)
            {
                post(new MemberEvent.FeedLost(feedId, $"the joiner is {feed.Sender.Backlog} steps behind and does not catch up."));
            }
            else
            {
                feed.Sender.Tell(run.Ledger.Of(step));
                feed.Sender.SendGradient(step);
                isPushed = true;
            }
        }

        if (isPushed && buffers.FreeCount == 0)
        {
            // A joiner lags: what the next step needs is made beside this one.
            MakeSpare();
        }
    }

    public void End(long feedId, long step, Generation generation)
    {
        if (_given.TryGetValue(feedId, out var feed) && feed.IsBegun && _given.TryRemove(feedId, out _))
        {
            feed.Sender.End(step, generation);
            // It is closed when the run is dropped; by then the joiner has everything.
            _ended.Add(feed);
        }
        else
        {
            Drop(feedId);
        }
    }

    public void Drop(long feedId)
    {
        if (_given.TryRemove(feedId, out var feed))
        {
            // Behind the member's lock, which the link's threads may be waiting for.
            _closing.Add(Task.Run(feed.CloseAsync));
        }
    }

    /// <summary>A step was applied.</summary>
    public void Applied(long step)
    {
        if (_feed is { } feed)
        {
            buffers.KeepFrom(step);
            feed.Receiver.Applied(step);
        }
    }

    /// <summary>No feed or gift is taken any more.</summary>
    public void CloseTaken()
    {
        Close(ref _feed);
        Close(ref _gift);
    }

    /// <summary>Returns when everything is closed.</summary>
    public void CloseAll()
    {
        CloseTaken();
        _closing.AddRange(_given.Values.Concat(_ended).Select(feed => feed.CloseAsync()));
        _closing.AddRange(_gifts.Select(sender => sender.DisposeAsync().AsTask()));
        Task.WaitAll([.. _closing, _making]);
    }

    private void MakeSpare()
    {
        if (_making.IsCompleted)
        {
            _making = PatientThread.Run(buffers.MakeSpare);
        }
    }

    private Taken Open(string name, long number, long stateBytes, IVectorEvents events, string? takenName = null)
    {
        var receiver = new VectorReceiver(buffers, stateBytes, events, takenName);
        server.Open(new RunId(name), new Generation(number), receiver);
        return new Taken(name, number, receiver);
    }

    private void Close(ref Taken? taken)
    {
        if (taken is { } each)
        {
            taken = null;
            each.Receiver.Stop();
            _closing.Add(Task.Run(() =>
            {
                server.Close(new RunId(each.Name), new Generation(each.Number), each.Receiver, "The feed was closed here.");
                each.Receiver.Dispose();
            }));
        }
    }

    private sealed record Taken(string Name, long Number, VectorReceiver Receiver);

    private sealed class FeedEvents(long feedId, Action<MemberEvent> post, Action<LedgerEntry> told) : IVectorEvents
    {
        public void StateMoved(long bytes) => post(new MemberEvent.StateMoved(feedId, bytes));

        public void StateArrived(long step) => post(new MemberEvent.StateArrived(feedId, step));

        public void GradientArrived(long step) => post(new MemberEvent.GradientArrived(feedId, step));

        public void Told(LedgerEntry entry) => told(entry);

        public void Ended(long step, Generation generation) => post(new MemberEvent.FeedEnded(feedId, step, generation));

        public void Lost(string reason) => post(new MemberEvent.FeedLost(feedId, reason));
    }

    /// <summary>A gift that breaks off means that its donor died, which the coordinator sees as well.</summary>
    private sealed class GiftEvents(Generation generation, Action<MemberEvent> post) : IVectorEvents
    {
        public void StateMoved(long bytes)
        {
        }

        public void StateArrived(long step)
        {
        }

        public void GradientArrived(long step) => post(new MemberEvent.GiftArrived(generation, step));

        /// <summary>A member that is behind took part in the step, and heard of its ranks in the exchange.</summary>
        public void Told(LedgerEntry entry)
        {
        }

        public void Ended(long step, Generation next)
        {
        }

        public void Lost(string reason)
        {
        }
    }
}
