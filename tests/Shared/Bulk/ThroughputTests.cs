using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Orchestrator.Bulk.Tests;

/// <summary>Bulk against plain blocking sockets without any framing, round by round in one run, in one process: prints the table, and checks what came over.</summary>
public sealed class ThroughputTests(ITestOutputHelper output)
{
    private const int Mebibyte = 1024 * 1024;
    // Until the compiler has seen what is hot and done its work in the background.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    [Fact]
    [Trait("Category", "Long")]
    public void Push_OverTcpBesidePlainSockets_BringsWhatWasSent() => Measure(isUnix: false);

    [Fact]
    [Trait("Category", "Long")]
    public void Push_OverUnixSocketsBesidePlainOnes_BringsWhatWasSent() => Measure(isUnix: true);

    private void Measure(bool isUnix)
    {
        foreach (var (bothWays, pins) in ((bool, bool)[])[(false, false), (true, false), (true, true)])
        {
            foreach (var (mebibytes, pieceBytes) in ((int, int)[])[(1, 256 * 1024), (4, 256 * 1024), (25, 256 * 1024), (25, Mebibyte), (100, 256 * 1024), (100, Mebibyte)])
            {
                Measure(isUnix, bothWays, pins, mebibytes, pieceBytes);
            }
        }
    }

    private void Measure(bool isUnix, bool bothWays, bool pins, int mebibytes, int pieceBytes)
    {
        var rounds = Math.Clamp(400 / mebibytes, 9, 101);
        var directions = bothWays ? 2 : 1;
        var places = Enumerable.Range(0, directions).Select(_ => new Places(mebibytes * Mebibyte)).ToArray();
        using var plain = new Lanes(places.Select(place => (ILane)new PlainLane(isUnix, place, pieceBytes)));
        using var bulk = new Lanes(places.Select(place => (ILane)new BulkLane(isUnix, place, pieceBytes, pins ? Array.IndexOf(places, place) : null)));
        var (plainTimes, bulkTimes) = (new List<double>(), new List<double>());
        var (plainCpu, bulkCpu) = (TimeSpan.Zero, TimeSpan.Zero);
        for (var warming = Stopwatch.StartNew(); warming.Elapsed < WarmUp;)
        {
            plain.Run();
            bulk.Run();
        }

        for (var round = 0; round < rounds; round++)
        {
            var began = Environment.CpuUsage.TotalTime;
            var first = plain.Run();
            var between = Environment.CpuUsage.TotalTime;
            var second = bulk.Run();
            plainTimes.Add(first);
            bulkTimes.Add(second);
            plainCpu += between - began;
            bulkCpu += Environment.CpuUsage.TotalTime - between;
        }

        var gibibytes = (double)directions * rounds * mebibytes / 1024;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(isUnix ? "unix" : "tcp"),-4} {(bothWays ? "both ways" : "one way  ")}{(pins ? " pinned" : "")} {mebibytes,4} MiB in {pieceBytes / 1024,4} KiB, plain / bulk: "
            + $"median {Median(plainTimes),6:0.00} / {Median(bulkTimes),6:0.00} ms ({Median(plainTimes) / Median(bulkTimes):0.00}), least {plainTimes.Min(),6:0.00} / {bulkTimes.Min(),6:0.00} ms ({plainTimes.Min() / bulkTimes.Min():0.00}), "
            + $"cpu {plainCpu.TotalMilliseconds / gibibytes,4:0} / {bulkCpu.TotalMilliseconds / gibibytes,4:0} ms per GiB ({plainCpu / bulkCpu:0.00})"));
        Assert.All(places, place => Assert.True(place.IsWhole, $"What {mebibytes} MiB left in {(isUnix ? "unix" : "tcp")} is not what was sent."));
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    /// <summary>Where both kinds of lane send from and receive to: the same memory, so that its pages favour none.</summary>
    private sealed unsafe class Places
    {
        private const int HugePageBytes = 2 * Mebibyte;

        public Places(int bytes)
        {
            Bytes = bytes;
            From = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, HugePageBytes);
            To = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, HugePageBytes);
            new Random(1).NextBytes(new Span<byte>(From, bytes));
            new Span<byte>(To, bytes).Clear();
        }

        ~Places()
        {
            NativeMemory.AlignedFree(From);
            NativeMemory.AlignedFree(To);
        }

        public int Bytes { get; }

        public bool IsWhole => new ReadOnlySpan<byte>(From, Bytes).SequenceEqual(new ReadOnlySpan<byte>(To, Bytes));

        public byte* From { get; }

        public byte* To { get; }
    }

    private interface ILane : IDisposable
    {
        /// <summary>Begins to send everything once.</summary>
        void Begin();

        /// <summary>Waits until everything has arrived.</summary>
        void Wait();
    }

    private sealed class Lanes(IEnumerable<ILane> lanes) : IDisposable
    {
        private readonly ILane[] _lanes = [.. lanes];

        public double Run()
        {
            var clock = Stopwatch.StartNew();
            Array.ForEach(_lanes, lane => lane.Begin());
            Array.ForEach(_lanes, lane => lane.Wait());
            return clock.Elapsed.TotalMilliseconds;
        }

        public void Dispose() => Array.ForEach(_lanes, lane => lane.Dispose());
    }

    private sealed unsafe class PlainLane : ILane
    {
        private readonly AutoResetEvent _go = new(false);
        private readonly AutoResetEvent _arrived = new(false);
        private readonly Socket _near;
        private readonly Socket _far;
        private bool _stop;

        public PlainLane(bool isUnix, Places places, int pieceBytes)
        {
            (_near, _far) = Connect(isUnix);
            var bytes = places.Bytes;
            new Thread(() =>
            {
                for (_go.WaitOne(); !_stop; _go.WaitOne())
                {
                    for (var at = 0; at < bytes; at += pieceBytes)
                    {
                        _near.Send(new ReadOnlySpan<byte>(places.From + at, pieceBytes));
                    }
                }
            }) { IsBackground = true, Name = "plain" }.Start();
            new Thread(() =>
            {
                while (true)
                {
                    for (var at = 0; at < bytes;)
                    {
                        var received = Receive(_far, new Span<byte>(places.To + at, Math.Min(pieceBytes, bytes - at)));
                        if (received == 0)
                        {
                            return;
                        }

                        at += received;
                    }

                    _arrived.Set();
                }
            }) { IsBackground = true, Name = "plain" }.Start();
        }

        public void Begin() => _go.Set();

        public void Wait() => _arrived.WaitOne();

        public void Dispose()
        {
            _stop = true;
            _go.Set();
            _near.Dispose();
            _far.Dispose();
        }

        private static int Receive(Socket socket, Span<byte> place)
        {
            try
            {
                return socket.Receive(place);
            }
            catch (SocketException)
            {
                return 0;
            }
        }

        private static (Socket Near, Socket Far) Connect(bool isUnix)
        {
            var folder = Directory.CreateTempSubdirectory("plain").FullName;
            using var listener = isUnix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new Socket(SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(isUnix ? new UnixDomainSocketEndPoint(Path.Combine(folder, "s")) : new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(1);
            var near = isUnix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            near.Connect(listener.LocalEndPoint!);
            var far = listener.Accept();
            Directory.Delete(folder, recursive: true);
            return (near, far);
        }
    }

    private sealed unsafe class BulkLane : ILane, IBulkReceiver, IBulkLinkEvents
    {
        private readonly AutoResetEvent _arrived = new(false);
        private readonly Places _places;
        private readonly int _pieceBytes;
        private readonly Pair _pair;
        private readonly BulkLink _link;
        private int _received;

        public BulkLane(bool isUnix, Places places, int pieceBytes, int? processor)
        {
            (_places, _pieceBytes) = (places, pieceBytes);
            var options = new BulkServerOptions { ChooseProcessor = _ => processor };
            _pair = new Pair(isUnix, options, (_, _) => ValueTask.FromResult<IBulkReceiver>(this));
            _link = _pair.Connect(this, new BulkLinkOptions { Processor = processor });
        }

        public void Begin()
        {
            for (var at = 0; at < _places.Bytes; at += _pieceBytes)
            {
                _link.Send(Pair.Header(_pieceBytes) with { Offset = at }, (nint)(_places.From + at));
            }
        }

        public void Wait() => _arrived.WaitOne();

        public PayloadPlace Reserve(in BulkHeader header) => new((nint)(_places.To + header.Offset), header.PayloadBytes);

        public void Received(in BulkHeader header)
        {
            _received += header.PayloadBytes;
            if (_received == _places.Bytes)
            {
                _received = 0;
                _arrived.Set();
            }
        }

        public void Ended(int sender, string? reason)
        {
        }

        public void Sent(in BulkHeader header, object? state)
        {
        }

        public void Lost(string reason)
        {
        }

        public void Dispose()
        {
            _link.Dispose();
            _pair.Dispose();
        }
    }
}
