using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>The exchanges of a member: that of the generation in force, one that comes and one that was left. Called under the member's lock; what blocks runs behind.</summary>
internal sealed class ExchangeSet(RunId run, string transport, WireFormat format, CollectiveServer server, IExchangeEvents events)
{
    private readonly Dictionary<long, Entry> _entries = [];
    private readonly List<Task> _closing = [];
    private long _sentByFormer;

    /// <summary>Bytes of payload sent in all generations.</summary>
    public long SentBytes
    {
        get
        {
            lock (_entries)
            {
                return _sentByFormer + _entries.Values.Sum(entry => entry.Exchange?.SentBytes ?? 0);
            }
        }
    }

    /// <param name="plan">Of the generation that comes.</param>
    /// <param name="connected">Called when all members have been reached; with the peer and the reason when one cannot be.</param>
    public void Connect(AllReducePlan plan, Action<(WorkerId Peer, string Reason)?> connected)
    {
        var entry = Add(plan);
        _ = entry.Links.Connected.ContinueWith(_ => connected(entry.FirstLoss is { } loss ? (plan.Members[loss.Member].Worker, loss.Reason) : null), TaskScheduler.Default);
    }

    public void Open(AllReducePlan plan)
    {
        Entry entry;
        lock (_entries)
        {
            entry = _entries.GetValueOrDefault(plan.Generation.Number) ?? Add(plan);
        }

        entry.Exchange = new GradientExchange(plan, entry.Links, events, format);
        entry.Receiver = server.Open(run, plan.Generation, entry.Exchange);
        entry.TellLosses();
    }

    /// <summary>The generation's exchange; null when it was closed meanwhile.</summary>
    public GradientExchange? Find(Generation generation)
    {
        lock (_entries)
        {
            return _entries.GetValueOrDefault(generation.Number)?.Exchange;
        }
    }

    /// <summary>Cuts a generation off.</summary>
    /// <param name="generation">Which.</param>
    /// <param name="reason">Told to peers.</param>
    /// <param name="closed">Called when nothing of it reads or writes memory any more.</param>
    public void Close(Generation generation, string reason, Action? closed = null)
    {
        Entry? entry;
        lock (_entries)
        {
            if (_entries.Remove(generation.Number, out entry))
            {
                _sentByFormer += entry.Exchange?.SentBytes ?? 0;
            }

            // Before anything of the member's memory is used for another generation.
            entry?.Links.Withdraw();
            _closing.RemoveAll(task => task.IsCompleted);
            _closing.Add(Task.Run(async () =>
            {
                if (entry is not null)
                {
                    await CloseAsync(entry, reason);
                }

                closed?.Invoke();
            }));
        }
    }

    /// <summary>Sends what is owed and ends the streams in order; peers may still push.</summary>
    public void Retire(Generation generation)
    {
        lock (_entries)
        {
            if (_entries.GetValueOrDefault(generation.Number) is { } entry)
            {
                _closing.Add(entry.Links.CompleteAsync());
            }
        }
    }

    /// <summary>Returns when everything is closed.</summary>
    public void CloseAll(string reason)
    {
        Task[] closing;
        lock (_entries)
        {
            foreach (var generation in _entries.Keys.ToArray())
            {
                Close(new Generation(generation), reason);
            }

            closing = [.. _closing];
        }

        Task.WaitAll(closing);
    }

    private Entry Add(AllReducePlan plan)
    {
        var entry = new Entry(plan, run, transport, server.Security);
        lock (_entries)
        {
            _entries[plan.Generation.Number] = entry;
        }

        return entry;
    }

    private async Task CloseAsync(Entry entry, string reason)
    {
        entry.Exchange?.Close(reason);
        if (entry.Receiver is { } receiver)
        {
            server.Close(run, entry.Plan.Generation, receiver, reason);
        }

        await entry.Links.DisposeAsync();
        entry.Exchange?.Dispose();
    }

    private sealed class Entry
    {
        private readonly Lock _gate = new();
        private readonly List<(int Member, string Reason)> _losses = [];
        private GradientExchange? _told;

        public Entry(AllReducePlan plan, RunId run, string transport, Func<PeerSecurity>? security)
        {
            Plan = plan;
            Links = new BulkLinks(plan, run, transport, Lost, security);
        }

        public AllReducePlan Plan { get; }

        public BulkLinks Links { get; }

        public GradientExchange? Exchange { get; set; }

        public IBulkReceiver? Receiver { get; set; }

        public (int Member, string Reason)? FirstLoss
        {
            get
            {
                lock (_gate)
                {
                    return _losses.Count > 0 ? _losses[0] : null;
                }
            }
        }

        /// <summary>The exchange learns of links that broke before it was made, and from now on of each at once.</summary>
        public void TellLosses()
        {
            List<(int Member, string Reason)> losses;
            lock (_gate)
            {
                (_told, losses) = (Exchange, [.. _losses]);
            }

            losses.ForEach(loss => Exchange!.PeerLost(loss.Member, loss.Reason));
        }

        private void Lost(int member, string reason)
        {
            GradientExchange? exchange;
            lock (_gate)
            {
                _losses.Add((member, reason));
                exchange = _told;
            }

            exchange?.PeerLost(member, reason);
        }
    }
}
