using Orchestrator.Core.Identities;
using Orchestrator.Simulation.World;
using Orchestrator.Worker.Core.Ledger;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Simulation.Workers;

/// <summary>Feeds and gifts of a member: state copies are taken at once, reduced gradients are read when they arrive.</summary>
internal sealed class SimFeeds(SimWorker worker, RunId run, SimReduced reduced, LedgerKeeper ledger, Action<MemberEvent> post)
{
    /// <summary>As of the real ones.</summary>
    private const int MaxBacklog = 4;

    private readonly Dictionary<long, Given> _given = [];
    private readonly List<SimStream> _streams = [];
    private string? _takenKey;
    private string? _giftKey;

    /// <summary>The state that a feed brought.</summary>
    public ulong State { get; private set; }

    public void Begin(MemberWork work)
    {
        if (work is MemberWork.Snapshot snapshot && _given.TryGetValue(snapshot.FeedId, out var feed))
        {
            _given[snapshot.FeedId] = feed with { IsBegun = true };
        }
    }

    public void SendState(MemberWork work, long step, ulong value)
    {
        if (work is MemberWork.Snapshot snapshot && _given.TryGetValue(snapshot.FeedId, out var feed))
        {
            feed.Stream.Send(new StateMessage(step, value));
            feed.Waiting!.ForEach(feed.Stream.Send);
            _given[snapshot.FeedId] = feed with { Waiting = null };
        }
    }

    public void Applied(long step, SimReduced buffers)
    {
        if (_takenKey is not null)
        {
            buffers.KeepFrom(step);
        }
    }

    public void Carry(MemberEffect effect)
    {
        switch (effect)
        {
            case MemberEffect.TakeFeed take:
                CloseTaken();
                _takenKey = FeedKey(take.FeedId);
                Listen(take.FeedId);
                break;
            case MemberEffect.CloseFeed:
                CloseTaken();
                break;
            case MemberEffect.AwaitGift gift:
                AwaitGift(gift.Generation);
                break;
            case MemberEffect.Give give:
                var stream = worker.Open(give.To.CollectiveAddress, GiftKey(give.Generation), _ => { });
                _streams.Add(stream);
                stream.Send(Gradient(give.Step));
                stream.Complete();
                break;
            case MemberEffect.ReadyFeed ready:
                _given[ready.FeedId] = new Given(worker.Open(ready.Address, FeedKey(ready.FeedId), reason => post(new MemberEvent.FeedLost(ready.FeedId, reason))), []);
                worker.After(worker.Random.NextInt64(500), () => post(new MemberEvent.FeedReady(ready.FeedId)));
                break;
            case MemberEffect.PushGradient push:
                Push(push.Step);
                break;
            case MemberEffect.EndFeed { FeedId: var unbegun } when _given.GetValueOrDefault(unbegun) is { IsBegun: false }:
                _given.Remove(unbegun, out var idle);
                idle!.Drop();
                break;
            case MemberEffect.EndFeed end when _given.Remove(end.FeedId, out var ended):
                Send(ended, new EndMessage(end.Step, end.Generation));
                ended.Stream.Complete();
                _streams.Add(ended.Stream);
                break;
            case MemberEffect.DropFeed drop when _given.Remove(drop.FeedId, out var dropped):
                dropped.Drop();
                break;
        }
    }

    public void Dispose()
    {
        CloseTaken();
        _streams.Concat(_given.Values.Select(feed => feed.Stream)).ToList().ForEach(stream => stream.Dispose());
    }

    private string FeedKey(long feedId) => $"feed/{run}/{feedId}";

    private string GiftKey(Generation generation) => $"gift/{run}/{generation.Number}";

    private void Push(long step)
    {
        foreach (var (feedId, feed) in _given.Where(each => each.Value.IsBegun).ToList())
        {
            if (feed.Unsent.Count >= MaxBacklog)
            {
                post(new MemberEvent.FeedLost(feedId, "the joiner does not catch up"));
                continue;
            }

            foreach (var entry in ledger.Of(step))
            {
                Send(feed, new SimTold(entry));
            }

            var message = Gradient(step);
            feed.Unsent.Add(message);
            message.Arrived = () => feed.Unsent.Remove(message);
            Send(feed, message);
        }
    }

    private static void Send(Given feed, object message)
    {
        if (feed.Waiting is { } waiting)
        {
            waiting.Add(message);
        }
        else
        {
            feed.Stream.Send(message);
        }
    }

    private GradientMessage Gradient(long step) => new(step, reduced.Use(step), () => reduced.Release(step));

    private void Listen(long feedId) => worker.Listen(FeedKey(feedId), message =>
    {
        switch (message)
        {
            case StateMessage state:
                State = state.Value;
                post(new MemberEvent.StateArrived(feedId, state.Step));
                break;
            case SimTold told:
                ledger.AddOfPeer(told.Entry);
                break;
            case GradientMessage gradient:
                gradient.CopyTo(reduced.For(gradient.Step));
                post(new MemberEvent.GradientArrived(feedId, gradient.Step));
                break;
            case EndMessage end:
                post(new MemberEvent.FeedEnded(feedId, end.Step, end.Generation));
                break;
        }
    }, (_, reason) =>
    {
        if (reason is not null)
        {
            post(new MemberEvent.FeedLost(feedId, reason));
        }
    });

    private void AwaitGift(Generation generation)
    {
        if (_giftKey is { } former)
        {
            worker.Deafen(former, "another gift");
        }

        _giftKey = GiftKey(generation);
        worker.Listen(_giftKey, message =>
        {
            var gradient = (GradientMessage)message;
            gradient.CopyTo(reduced.For(gradient.Step));
            post(new MemberEvent.GiftArrived(generation, gradient.Step));
        }, (_, _) => { });
    }

    private void CloseTaken()
    {
        if (_takenKey is { } key)
        {
            worker.Deafen(key, "The feed was closed.");
            _takenKey = null;
        }
    }

    private sealed record Given(SimStream Stream, List<object>? Waiting)
    {
        /// <summary>The state was copied, or is being copied.</summary>
        public bool IsBegun { get; init; }

        public List<GradientMessage> Unsent { get; } = [];

        /// <summary>Nothing of it is sent any more.</summary>
        public void Drop()
        {
            Stream.Dispose();
            Unsent.ForEach(message => message.Release());
            Unsent.Clear();
        }
    }

    private sealed record StateMessage(long Step, ulong Value);

    private sealed record EndMessage(long Step, Generation Generation);

    private sealed record GradientMessage(long Step, SimBuffer Buffer, Action Release)
    {
        public Action Arrived { get; set; } = () => { };

        public void CopyTo(SimBuffer target)
        {
            Buffer.Values.CopyTo(target.Values, 0);
            Release();
            Arrived();
        }
    }
}
