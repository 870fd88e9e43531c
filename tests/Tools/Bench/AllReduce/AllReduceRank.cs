using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Tools.Bench.AllReduce;

/// <summary>One rank: the exchange that training uses, over memory filled with numbers whose sum is known.</summary>
internal sealed unsafe class AllReduceRank : IDisposable
{
    private static readonly RunId Run_ = new("bench");

    private readonly CollectiveServer _server;
    private readonly int _index;
    private readonly string _transport;
    private readonly int _logicalRanks;
    private readonly bool _isArrival;
    private readonly WireFormat _format;
    private readonly int _pieceElements;
    private readonly bool _isAfterDeath;
    private readonly List<nint> _memory = [];
    private long _elements;
    private ImmutableArray<Member> _members = [];
    private Generation _generation = Generation.None;
    private Session? _session;
    private Session? _barrier;
    private volatile bool _isEnding;

    private AllReduceRank(int index, string transport, int logicalRanks, bool isArrival, bool isRounded, int pieceElements, bool isAfterDeath)
    {
        (_index, _transport, _logicalRanks, _isArrival, _pieceElements, _isAfterDeath) = (index, transport, logicalRanks, isArrival, pieceElements, isAfterDeath);
        _format = isRounded ? WireFormat.RoundedFrom(0) : WireFormat.Fp32;
        _server = new CollectiveServer(new IPEndPoint(IPAddress.Loopback, 0), Log);
    }

    /// <summary>Obeys lines on standard input until it closes.</summary>
    public static int Run(int index, string transport, int logicalRanks, bool isArrival, bool isRounded, int pieceElements, bool isAfterDeath)
    {
        using var rank = new AllReduceRank(index, transport, logicalRanks, isArrival, isRounded, pieceElements, isAfterDeath);
        Console.WriteLine(rank._server.TcpEndPoint);
        while (Console.ReadLine() is { } line)
        {
            var words = line.Split(' ');
            switch (words[0])
            {
                case "members":
                    rank.Meet(words[1..]);
                    Console.WriteLine("ready");
                    break;
                case "prepare":
                    rank.Prepare(long.Parse(words[1], CultureInfo.InvariantCulture) << 18);
                    Console.WriteLine("ready");
                    break;
                case "run":
                    Console.WriteLine(rank.Turn(int.Parse(words[1], CultureInfo.InvariantCulture), int.Parse(words[2], CultureInfo.InvariantCulture)));
                    break;
            }
        }

        return 0;
    }

    public void Dispose()
    {
        _isEnding = true;
        End();
        _barrier?.Dispose();
        _server.Dispose();
        Free();
    }

    /// <summary>Ranks end one a little before the other: that a connection is cut then is no news.</summary>
    private void Log(string line)
    {
        if (!_isEnding)
        {
            Console.Error.WriteLine(line);
        }
    }

    private void Meet(string[] addresses)
    {
        var ranges = RankPlan.Even(_logicalRanks, addresses.Length);
        ImmutableArray<Member> members = [.. addresses.Select((address, i) => new Member(WorkerId.FromNumber(i + 1), address, ranges[i].First, ranges[i].Count))];
        _members = _isAfterDeath ? AfterDeath(members) : members;
        _barrier = Open(members, SlicePlan.AlignmentElements * addresses.Length, i => Allocate(SlicePlan.AlignmentElements * addresses.Length), SharedSegments.Free);
    }

    /// <summary>With one more the ranks were shared evenly, and the second is gone: the others keep what they held and share what it held.</summary>
    private ImmutableArray<Member> AfterDeath(ImmutableArray<Member> members)
    {
        var former = RankPlan.Even(_logicalRanks, members.Length + 1);
        var deal = RankDeal.Create(_logicalRanks, [.. members.Select((_, i) => ImmutableArray.Create(former[i < 1 ? i : i + 1]))]);
        return [.. members.Select((member, i) => member with { FirstStepRanks = deal.Owned[i] })];
    }

    private void Prepare(long elements)
    {
        End();
        Free();
        _elements = elements;
        Renew();
    }

    private void End()
    {
        _session?.Dispose();
        _session = null;
    }

    /// <summary>The next generation, over the same memory.</summary>
    private void Renew()
    {
        End();
        _session = Open(_members, _elements, Reuse, _ => { });
    }

    private Session Open(ImmutableArray<Member> members, long elements, Func<int, nint> allocate, Action<nint> free)
    {
        _generation = _generation.Next;
        var plan = AllReducePlan.Create(_generation, members[_index].Worker, members, _logicalRanks, 0, [new ElementRange(0, elements)], _pieceElements);
        return new Session(plan, _server, _transport, _isArrival, _format, allocate, free);
    }

    private nint Reuse(int index)
    {
        while (_memory.Count <= index)
        {
            _memory.Add(Allocate(_elements));
        }

        return _memory[index];
    }

    private void Free()
    {
        _memory.ForEach(SharedSegments.Free);
        _memory.Clear();
    }

    /// <summary>As the worker's flat buffers are: where peers on this host can read them. Transports that send them read them all the same.</summary>
    private static nint Allocate(long elements) => SharedSegments.TryAllocate(elements * sizeof(float)) is not 0 and var memory
        ? memory
        : throw new IOException("The system has no shared memory to give.");

    private RankTurn Turn(int warmUps, int iterations)
    {
        var seconds = new List<double>();
        var isRight = true;
        var cpu = 0.0;
        var sent = 0L;
        for (var i = 0; i < warmUps + iterations; i++)
        {
            if (_isAfterDeath)
            {
                // Only a generation's first step has the dead one's ranks where it left them. All are through with the one before.
                _barrier!.AllReduce();
                Renew();
            }

            var before = _session!.SentBytes;
            _session.Fill();
            _barrier!.AllReduce();
            var cpuBefore = Environment.CpuUsage.TotalTime;
            var start = Stopwatch.GetTimestamp();
            _session.AllReduce();
            if (i >= warmUps)
            {
                seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                cpu += (Environment.CpuUsage.TotalTime - cpuBefore).TotalSeconds;
            }

            sent += _session.SentBytes - before;
            // Every element, once a turn: the check costs more than the all-reduce.
            isRight &= i > 0 || _session.IsRight();
        }

        return new RankTurn([.. seconds], cpu, isRight, sent / (warmUps + iterations));
    }

    /// <summary>One generation with its memory: a partial for each tree node that this rank holds, and the place of the sum.</summary>
    private sealed class Session : IDisposable
    {
        private readonly AllReducePlan _plan;
        private readonly CollectiveServer _server;
        private readonly BulkLinks _links;
        private readonly GradientExchange? _exchange;
        private readonly ArrivalExchange? _arrival;
        private readonly IBulkReceiver _receiver;
        private readonly Dictionary<TreeNode, nint> _partials;
        private readonly long _elements;
        private readonly nint _reduced;
        private readonly bool _isRounded;
        private readonly Action<nint> _free;
        private long _step;

        public Session(AllReducePlan plan, CollectiveServer server, string transport, bool isArrival, WireFormat format, Func<int, nint> allocate, Action<nint> free)
        {
            (_plan, _server, _elements, _isRounded, _free) = (plan, server, plan.Buckets[0].Length, format != WireFormat.Fp32, free);
            GradientExchange? exchange = null;
            _links = new BulkLinks(plan, Run_, transport, (member, reason) => exchange?.PeerLost(member, reason));
            if (isArrival)
            {
                _receiver = _arrival = new ArrivalExchange(plan, _links);
                server.Open(Run_, plan.Generation, _receiver);
            }
            else
            {
                _exchange = exchange = new GradientExchange(plan, _links, format: format);
                _receiver = server.Open(Run_, plan.Generation, exchange);
            }

            _reduced = allocate(0);
            _partials = plan.In(1).Nodes[plan.Self].Select((node, i) => (Node: node, Memory: allocate(i + 1))).ToDictionary(each => each.Node, each => each.Memory);
            // A generation's links stand when it begins.
            _links.Connected.Wait();
        }

        /// <summary>Bytes of payload so far; 0 when they are not counted.</summary>
        public long SentBytes => _exchange?.SentBytes ?? 0;

        public void Fill()
        {
            foreach (var (node, memory) in _partials)
            {
                var values = (float*)memory;
                for (long i = 0; i < _elements; i++)
                {
                    values[i] = Value(node, i);
                }
            }
        }

        public void AllReduce()
        {
            _step++;
            if (_exchange is null)
            {
                _arrival!.AllReduce(_step, _partials.Values.Single(), _reduced);
                return;
            }

            _exchange.Begin(_step, _plan.Generation, _reduced);
            _exchange.BucketReady(0, _partials);
            _exchange.Wait(CancellationToken.None);
        }

        public bool IsRight()
        {
            var sums = (float*)_reduced;
            for (long i = 0; i < _elements; i++)
            {
                float expected = 0;
                foreach (var node in _plan.In(1).Merge.Inputs)
                {
                    expected += Value(node, i);
                }

                if (sums[i] != expected)
                {
                    Console.Error.WriteLine($"Rank {_plan.Self}: element {i} is {sums[i]}; {expected} was expected.");
                    return false;
                }
            }

            return true;
        }

        public void Dispose()
        {
            _links.CompleteAsync().Wait();
            _server.Close(Run_, _plan.Generation, _receiver, "The benchmark goes on to another size.");
            _links.DisposeAsync().AsTask().Wait();
            _exchange?.Dispose();
            _arrival?.Dispose();
            foreach (var memory in _partials.Values.Append(_reduced))
            {
                _free(memory);
            }
        }

        /// <summary>Multiples of 1/8 below 128, or whole numbers below 32 of which eight make less than 256: their sums are exact in any order, so that every element can be checked.</summary>
        private float Value(TreeNode node, long element) =>
            _isRounded ? ((element * 7) + (node.First * 13)) % 32 : ((element * 7) + (node.First * 13)) % 1000 * 0.125f;
    }
}
