using Orchestrator.Core.Identities;
using Orchestrator.Simulation.World;
using Orchestrator.Worker.Core.Ledger;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Simulation.Workers;

/// <summary>Feeds and gifts of a member: state copies are taken at once; reduced gradients are copied when they arrive, or stay with the donor until the joiner reads them no more.</summary>
internal sealed class SimFeeds(SimWorker worker, RunId run, SimReduced reduced, LedgerKeeper ledger, Action<MemberEvent> post)
{
    /// <summary>The least of the real ones.</summary>
    private const int MaxBacklog = 4;

    private readonly Dictionary<long, Given> _given = [];
    private readonly Dictionary<long, Given> _ended = [];
    private readonly List<SimStream> _streams = [];
    private SimAnswers? _answers;
    private string? _takenKey;
    private string? _giftKey;

    /// <summary>The state that a feed brought.</summary>
    public ulong State { get; private set; }

    public bool IsTaken(long feedId) => _takenKey == FeedKey(feedId);

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
            feed.Stream.Send(new StateMessage(step, value, worker.Name));
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
                Hear(ready.FeedId);
                worker.After(worker.Random.NextInt64(500), () => post(new MemberEvent.FeedReady(ready.FeedId)));
                break;
            case MemberEffect.PushGradient push:
                Push(push.Step);
                break;
            case MemberEffect.EndFeed { FeedId: var unbegun } when _given.GetValueOrDefault(unbegun) is { IsBegun: false }:
                Drop(unbegun);
                break;
            case MemberEffect.EndFeed end when _given.Remove(end.FeedId, out var ended):
                Send(ended, new EndMessage(end.Step, end.Generation));
                ended.Stream.Complete();
                _ended[end.FeedId] = ended;
                break;
            case MemberEffect.DropFeed drop:
                Drop(drop.FeedId);
                break;
        }
    }

    public void Dispose()
    {
        CloseTaken();
        _given.Keys.ToList().ForEach(Drop);
        _ended.Keys.ToList().ForEach(Free);
        _streams.ForEach(stream => stream.Dispose());
    }

    private string FeedKey(long feedId) => $"feed/{run}/{feedId}";

    private string TakenKey(long feedId) => $"taken/{run}/{feedId}";

    /// <summary>Two of three feeds are between two workers of one host.</summary>
    private static bool IsLent(long feedId) => feedId % 3 != 0;

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
            if (!IsLent(feedId))
            {
                message.Arrived = () => feed.Unsent.Remove(message);
            }

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

    /// <summary>A joiner says what it reads no more.</summary>
    private void Hear(long feedId) => worker.Listen(TakenKey(feedId), message =>
    {
        var step = ((SimTaken)message).Step;
        if ((_given.GetValueOrDefault(feedId) ?? _ended.GetValueOrDefault(feedId))?.Unsent is { } held && held.RemoveAll(each => each.Step == step) > 0)
        {
            reduced.Release(step);
        }
    }, (_, reason) =>
    {
        if (_ended.ContainsKey(feedId))
        {
            Free(feedId);
        }

        post(new MemberEvent.FeedLost(feedId, reason ?? "it has ended its answers."));
    });

    private void Drop(long feedId)
    {
        if (_given.Remove(feedId, out var feed))
        {
            _ended[feedId] = feed;
            Free(feedId);
        }
    }

    /// <summary>The joiner may still read what it was lent, unasked: it may be frozen.</summary>
    private void Free(long feedId)
    {
        if (_ended.Remove(feedId, out var feed))
        {
            feed.Stream.Dispose();
            worker.Deafen(TakenKey(feedId), "The feed has ended.");
            feed.Unsent.ForEach(message => (IsLent(feedId) && !worker.Settings.Bug.ReusesLentMemory ? reduced.Abandon : (Action<long>)reduced.Release)(message.Step));
            feed.Unsent.Clear();
        }
    }

    private GradientMessage Gradient(long step) => new(step, reduced.Use(step), () => reduced.Release(step));

    private void Listen(long feedId) => worker.Listen(FeedKey(feedId), message =>
    {
        switch (message)
        {
            case StateMessage state:
                State = state.Value;
                _answers ??= IsLent(feedId) ? new SimAnswers(worker.Open(state.AnswerTo, TakenKey(feedId), reason => post(new MemberEvent.FeedLost(feedId, reason)))) : null;
                post(new MemberEvent.StateArrived(feedId, state.Step));
                break;
            case SimTold told:
                ledger.AddOfPeer(told.Entry);
                break;
            case GradientMessage gradient when _answers is { } answers:
                reduced.Lend(gradient.Step, gradient.Buffer, answers.Lend(gradient.Step));
                post(new MemberEvent.GradientArrived(feedId, gradient.Step));
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
            _answers?.Close();
            (_takenKey, _answers) = (null, null);
        }
    }

    private sealed record Given(SimStream Stream, List<object>? Waiting)
    {
        /// <summary>The state was copied, or is being copied.</summary>
        public bool IsBegun { get; init; }

        /// <summary>Those that the joiner has not taken in, or still reads.</summary>
        public List<GradientMessage> Unsent { get; } = [];
    }

    private sealed record StateMessage(long Step, ulong Value, string AnswerTo);

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
