using System.Collections.Immutable;
using System.Net;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Tests.Collectives;

/// <summary>The members of one generation in one process, with real streams between them.</summary>
internal sealed class Cluster : IDisposable
{
    private static readonly RunId Run = new("test");

    public Cluster(int members, int logicalRanks, long elements, string transport, int pieceElements, int buckets, WireFormat format = default, Func<PeerSecurity>? security = null, int mostDirect = Grouping.MostDirect)
    {
        var servers = Enumerable.Range(0, members).Select(_ => new CollectiveServer(new IPEndPoint(IPAddress.Loopback, 0), Log, security)).ToArray();
        var ranks = RankPlan.Even(logicalRanks, members);
        ImmutableArray<Member> all = [.. servers.Select((server, i) =>
            new Member(WorkerId.FromNumber(i + 1), server.TcpEndPoint.ToString(), ranks[i].First, ranks[i].Count))];
        // As a layout has it: what is not rounded makes a last bucket of its own.
        var head = Math.Min(format.FirstRounded ?? 0, elements);
        var each = (elements - head) / buckets / SlicePlan.AlignmentElements * SlicePlan.AlignmentElements;
        ImmutableArray<ElementRange> ranges =
        [
            .. Enumerable.Range(0, buckets).Select(i => new ElementRange(head + (i * each), i == buckets - 1 ? elements - head - (i * each) : each)),
            .. head > 0 ? [new ElementRange(0, head)] : ReadOnlySpan<ElementRange>.Empty,
        ];
        Members = [.. servers.Select((server, i) => new ClusterMember(
            AllReducePlan.Create(Generation.None.Next, all[i].Worker, all, logicalRanks, 0, ranges, pieceElements, mostDirect), Run, server, transport, elements, format))];
    }

    public ImmutableArray<ClusterMember> Members { get; }

    public List<string> Logged { get; } = [];

    /// <summary>Ends in order: all streams first, then what they lead to.</summary>
    public void Dispose()
    {
        Task.WaitAll([.. Members.Select(member => member.CompleteAsync())]);
        foreach (var member in Members)
        {
            member.Dispose();
        }
    }

    private void Log(string line)
    {
        lock (Logged)
        {
            Logged.Add(line);
        }
    }
}

/// <summary>One member with memory for its partials and for the sum.</summary>
internal sealed unsafe class ClusterMember : IDisposable
{
    private readonly RunId _run;
    private readonly CollectiveServer _server;
    private readonly BulkLinks _links;
    private readonly IBulkReceiver _receiver;
    private readonly Dictionary<TreeNode, nint> _partials;
    private readonly long _elements;
    private readonly nint _reduced;

    public ClusterMember(AllReducePlan plan, RunId run, CollectiveServer server, string transport, long elements, WireFormat format)
    {
        (Plan, _run, _server, _elements) = (plan, run, server, elements);
        GradientExchange? exchange = null;
        _links = new BulkLinks(plan, run, transport, (member, reason) => exchange?.PeerLost(member, reason), server.Security);
        Exchange = exchange = new GradientExchange(plan, _links, format: format);
        _receiver = server.Open(run, plan.Generation, exchange);
        _partials = plan.In(1).Nodes[plan.Self].ToDictionary(node => node, _ => Allocate());
        _reduced = Allocate();
    }

    public AllReducePlan Plan { get; }

    public GradientExchange Exchange { get; }

    public ReadOnlySpan<float> Reduced => new((void*)_reduced, (int)_elements);

    public void Step(long step, Func<TreeNode, float[]> partial)
    {
        foreach (var (node, memory) in _partials)
        {
            partial(node).CopyTo(new Span<float>((void*)memory, (int)_elements));
        }

        Exchange.Begin(step, Plan.Generation, _reduced);
        for (var bucket = 0; bucket < Plan.Buckets.Length; bucket++)
        {
            Exchange.BucketReady(bucket, _partials);
        }

        Exchange.Wait(CancellationToken.None);
    }

    public Task CompleteAsync() => _links.CompleteAsync();

    public void Dispose()
    {
        _server.Close(_run, Plan.Generation, _receiver, "The test is over.");
        _links.DisposeAsync().AsTask().Wait();
        Exchange.Dispose();
        _server.Dispose();
        foreach (var memory in _partials.Values.Append(_reduced))
        {
            SharedSegments.Free(memory);
        }
    }

    private nint Allocate() => SharedSegments.TryAllocate(Math.Max(1, _elements) * sizeof(float));
}
