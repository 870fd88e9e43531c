using System.Diagnostics;
using Google.Protobuf;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests;

/// <summary>Our link and our server with each other, and what a receiver sees.</summary>
public sealed class PushTests
{
    // Far less than any time-out of the options: the loss is seen, not waited for.
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);

    /// <summary>Then whoever queues sends, as far as the kernel takes it, and the sending thread goes on in the middle of a frame.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Send_NobodyIsToldOfWhatWasSent_PayloadsArriveInOrder(bool isUnix)
    {
        using var pair = new Pair(isUnix);
        var log = new LinkLog();
        using var link = pair.Connect(log, new BulkLinkOptions { TellsSent = false });
        var count = 0L;
        foreach (var elements in (int[])[1, 1000, 4_194_304, 65_537, 0, 2_097_152])
        {
            // The first finds an idle link, the others one whose sending thread may be at work.
            var payloads = Enumerable.Range(0, 3).Select(each => new Payload(elements * sizeof(float), each)).ToArray();
            foreach (var payload in payloads)
            {
                link.Send(Pair.Header(payload.Bytes, ++count), payload.Address);
            }

            for (var each = 0; each < payloads.Length; each++)
            {
                var message = pair.Receiver.Next();
                Assert.Equal(Pair.Header(payloads[each].Bytes, count - payloads.Length + each + 1), message.Header);
                Assert.Equal(Payload.Expected(payloads[each].Bytes, each), message.Payload);
                payloads[each].Dispose();
            }
        }

        Assert.Equal(count, await link.Complete().WaitAsync(Wait.Limit));
        Assert.Equal((0, 0), (log.LostCalls, log.SentStates.Count));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Send_PayloadsOfManySizes_ArriveAsTheyWere(bool isUnix)
    {
        int[] elements = [0, 1, 7, 1000, 65_537, 0, 262_144, 3, 1_048_576];
        using var pair = new Pair(isUnix);
        var log = new LinkLog();
        using var link = pair.Connect(log);
        var payloads = elements.Select((count, index) => new Payload(count * sizeof(float), index)).ToArray();
        for (var index = 0; index < payloads.Length; index++)
        {
            link.Send(Pair.Header(payloads[index].Bytes, index), payloads[index].Address, index);
        }

        for (var index = 0; index < payloads.Length; index++)
        {
            var message = pair.Receiver.Next();
            Assert.Equal(Pair.Header(payloads[index].Bytes, index), message.Header);
            Assert.Equal(Payload.Expected(payloads[index].Bytes, index), message.Payload);
        }

        Assert.Equal(payloads.Length, await link.Complete().WaitAsync(Wait.Limit));
        Assert.Null(await pair.Receiver.Ended.WaitAsync(Wait.Limit));
        Assert.Equal(Enumerable.Range(0, payloads.Length).Where(index => payloads[index].Bytes > 0).Cast<object?>(), log.SentStates);
        Assert.Equal((0, 1), (log.LostCalls, pair.Receiver.EndedCalls));
        Assert.Empty(pair.Logged);
        Array.ForEach(payloads, payload => payload.Dispose());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Send_ManySmallMessages_ArriveInOrder(bool isUnix)
    {
        const int Count = 20_000;
        var next = 0L;
        using var pair = new Pair(isUnix);
        pair.Receiver.OnReserve = header => Assert.Equal(Interlocked.Increment(ref next), header.Step);
        using var link = pair.Connect();
        using var payload = new Payload(64, 1);
        for (var step = 1; step <= Count; step++)
        {
            link.Send(Pair.Header(step % 65, step) with { PayloadBytes = (step % 64) + 1 }, payload.Address);
        }

        Assert.Equal(Count, await link.Complete().WaitAsync(Wait.Limit));
        Assert.Equal(Count, next);
    }

    [Fact]
    public async Task Send_SlowReceiver_LosesNothing()
    {
        using var pair = new Pair();
        using var gate = new SemaphoreSlim(0);
        pair.Receiver.OnReserve = _ => gate.Wait();
        var log = new LinkLog();
        using var link = pair.Connect(log);
        using var payload = new Payload(1 << 20, 1);
        for (var index = 0; index < 20; index++)
        {
            link.Send(Pair.Header(payload.Bytes, index), payload.Address);
        }

        // The kernel's buffers hold a few of them; the others wait here.
        Assert.True(log.SentStates.Count < 20);
        gate.Release(20);
        link.Flush();
        Assert.Equal(20, log.SentStates.Count);
        Assert.Equal(20, await link.Complete().WaitAsync(Wait.Limit));
        Assert.All(Enumerable.Range(0, 20), index => Assert.Equal(index, pair.Receiver.Next().Header.Step));
    }

    [Fact]
    public async Task Send_GenerationThatIsNotThereYet_WaitsForIt()
    {
        var resolved = new TaskCompletionSource<IBulkReceiver>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var pair = new Pair(resolver: (_, cancellation) => new ValueTask<IBulkReceiver>(resolved.Task.WaitAsync(cancellation)));
        using var link = pair.Connect();
        using var payload = new Payload(300_000, 1);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        link.Send(Pair.Header(0, 2), 0);
        Assert.Equal(0, pair.Receiver.Reserved);
        resolved.SetResult(pair.Receiver);
        Assert.Equal(Payload.Expected(payload.Bytes, 1), pair.Receiver.Next().Payload);
        Assert.Equal(2, await link.Complete().WaitAsync(Wait.Limit));
    }

    /// <summary>The receiver takes what came before it on its own thread, while the receiving thread holds what still comes: their bytes once changed places.</summary>
    [Fact]
    public void Resolve_InTheMiddleOfAPayload_KeepsTheBytesInOrder()
    {
        const int PayloadBytes = 60_000;
        const int FrameBytes = 300;
        var resolved = new TaskCompletionSource<IBulkReceiver>();
        using var pair = new Pair(resolver: (_, _) => new ValueTask<IBulkReceiver>(Volatile.Read(ref resolved).Task));
        using var peer = RawPeer.Open(pair);
        peer.Socket.NoDelay = true;
        for (var round = 0; round < 300; round++)
        {
            Volatile.Write(ref resolved, new TaskCompletionSource<IBulkReceiver>());
            var stream = (2 * round) + 1;
            peer.Send(Frames.Call(stream));
            var parts = Frames.Message(Frames.Segment(PayloadBytes, round)).Chunk(FrameBytes).ToArray();
            for (var part = 0; part < parts.Length; part++)
            {
                if (part == parts.Length / 4)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(_ => resolved.SetResult(pair.Receiver), null);
                }

                peer.Send(Frames.Data(stream, parts[part], part == parts.Length - 1 ? FrameFlags.EndStream : 0));
            }

            Assert.Equal(Payload.Expected(PayloadBytes, round), pair.Receiver.Next().Payload);
            Assert.Equal("0", peer.NextStatus());
        }
    }

    [Fact]
    public void Resolve_NotInTime_EndsTheLinkWithTheReason()
    {
        var never = new TaskCompletionSource<IBulkReceiver>();
        using var pair = new Pair(options: new BulkServerOptions { ResolveTimeout = TimeSpan.FromMilliseconds(50) },
            resolver: (_, cancellation) => new ValueTask<IBulkReceiver>(never.Task.WaitAsync(cancellation)));
        var log = new LinkLog();
        using var link = pair.Connect(log);
        Assert.Contains("DeadlineExceeded: Generation 7 of run run-1", Wait.For(log.LostReason, "The loss"), StringComparison.Ordinal);
    }

    [Fact]
    public void Receiver_ThatRejects_EndsTheStreamWithItsStatus()
    {
        using var pair = new Pair();
        pair.Receiver.OnReserve = _ => throw new BulkRejectedException(BulkStatus.InvalidArgument, "offset 4096 is not ours; 100% sure \u2713");
        var log = new LinkLog();
        using var link = pair.Connect(log);
        using var payload = new Payload(1 << 20, 1);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        Assert.Contains("InvalidArgument: offset 4096 is not ours; 100% sure \u2713", Wait.For(log.LostReason, "The loss"), StringComparison.Ordinal);
        Assert.Contains("offset 4096", Wait.For(pair.Receiver.Ended, "The end"), StringComparison.Ordinal);
        Assert.Equal((1, 1), (log.LostCalls, pair.Receiver.EndedCalls));
    }

    [Fact]
    public void Receiver_ThatFails_EndsTheStreamWithInternal()
    {
        using var pair = new Pair();
        pair.Receiver.OnReceived = _ => throw new InvalidOperationException("no state");
        var log = new LinkLog();
        using var link = pair.Connect(log);
        link.Send(Pair.Header(0), 0);
        Assert.Contains("Internal: InvalidOperationException: no state", Wait.For(log.LostReason, "The loss"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Receiver_ThatWantsAPayloadNowhere_IsToldOfItAllTheSame()
    {
        var places = new NowhereReceiver();
        using var pair = new Pair(resolver: (_, _) => ValueTask.FromResult<IBulkReceiver>(places));
        using var link = pair.Connect();
        using var payload = new Payload(500_000, 1);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        link.Send(Pair.Header(payload.Bytes, 2), payload.Address);
        Assert.Equal(2, await link.Complete().WaitAsync(Wait.Limit));
        Assert.Equal([1, 2], places.Steps);
    }

    [Fact]
    public void Link_CutWithinAMessage_IsReportedAtOnce()
    {
        using var pair = new Pair();
        using var began = new SemaphoreSlim(0);
        pair.Receiver.OnReserve = _ => began.Release();
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(), Frames.Data(1, Frames.Message(Frames.Segment(1 << 20))[..500_000]));
        Assert.True(began.Wait(Wait.Limit));
        var clock = Stopwatch.StartNew();
        peer.Dispose();
        var reason = Wait.For(pair.Receiver.Ended, "The end");
        Assert.True(clock.Elapsed < AtOnce, $"It took {clock.Elapsed}.");
        Assert.Contains("in message 1", reason, StringComparison.Ordinal);
        Assert.Contains("of its payload of 1048576", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Link_ResetByTheKernel_IsReportedAtOnce()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(), Frames.Data(1, Frames.Message(Frames.Segment(100))));
        pair.Receiver.Next();
        peer.Socket.LingerState = new System.Net.Sockets.LingerOption(true, 0);
        var clock = Stopwatch.StartNew();
        peer.Dispose();
        Assert.Contains("after 1 whole messages", Wait.For(pair.Receiver.Ended, "The end"), StringComparison.Ordinal);
        Assert.True(clock.Elapsed < AtOnce, $"It took {clock.Elapsed}.");
    }

    [Fact]
    public void Server_ThatStops_IsReportedAtOnce()
    {
        using var pair = new Pair();
        var log = new LinkLog();
        using var link = pair.Connect(log);
        link.Send(Pair.Header(0), 0);
        pair.Receiver.Next();
        var clock = Stopwatch.StartNew();
        pair.Server.Dispose();
        Assert.Contains("was lost after 1 messages", Wait.For(log.LostReason, "The loss"), StringComparison.Ordinal);
        Assert.True(clock.Elapsed < AtOnce, $"It took {clock.Elapsed}.");
        Assert.Equal(1, log.LostCalls);
        Assert.Throws<BulkLinkException>(() => link.Flush());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dispose_WhileTheReceiverReadsNothing_FreesThePayloadsAtOnce(bool isUnix)
    {
        using var pair = new Pair(isUnix);
        using var gate = new SemaphoreSlim(0);
        pair.Receiver.OnReserve = _ => gate.Wait();
        var log = new LinkLog();
        var link = pair.Connect(log);
        using var payload = new Payload(48 << 20, 1);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        var clock = Stopwatch.StartNew();
        link.Dispose();
        Assert.True(clock.Elapsed < AtOnce, $"It took {clock.Elapsed}.");
        Assert.Empty(log.SentStates);
        Assert.Equal(0, log.LostCalls);
        gate.Release();
        Assert.NotNull(Wait.For(pair.Receiver.Ended, "The end"));
    }

    [Fact]
    public void Release_WithinAPayload_ReturnsWhenNobodyWritesIntoIt()
    {
        using var pair = new Pair();
        using var began = new SemaphoreSlim(0);
        pair.Receiver.OnReserve = _ => began.Release();
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(), Frames.Data(1, Frames.Message(Frames.Segment(1 << 20))[..500_000]));
        Assert.True(began.Wait(Wait.Limit));
        var clock = Stopwatch.StartNew();
        pair.Server.Release(pair.Receiver, "generation 8 begins");
        Assert.True(clock.Elapsed < AtOnce, $"It took {clock.Elapsed}.");
        Assert.Equal(0, pair.Receiver.EndedCalls);
    }

    [Fact]
    public void Release_BetweenMessages_TellsTheSenderWhy()
    {
        using var pair = new Pair();
        var log = new LinkLog();
        using var link = pair.Connect(log);
        link.Send(Pair.Header(0), 0);
        pair.Receiver.Next();
        pair.Server.Release(pair.Receiver, "generation 8 begins");
        Assert.Contains("Aborted: generation 8 begins", Wait.For(log.LostReason, "The loss"), StringComparison.Ordinal);
        Assert.Equal(0, pair.Receiver.EndedCalls);
    }

    [Fact]
    public async Task Flush_Cancelled_Returns()
    {
        using var pair = new Pair();
        using var gate = new SemaphoreSlim(0);
        pair.Receiver.OnReserve = _ => gate.Wait();
        var link = pair.Connect();
        using var payload = new Payload(48 << 20, 1);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        using var cancellation = new CancellationTokenSource();
        var flush = Task.Run(() => link.Flush(cancellation.Token));
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => flush.WaitAsync(Wait.Limit));
        link.Dispose();
        gate.Release();
    }

    [Fact]
    public void Message_WithItsPayloadFirst_IsBufferedAndTaken()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        var fields = Frames.Segment(0).ToByteArray();
        var payload = new Orchestrator.Protocol.V1.Segment { Payload = ByteString.CopyFrom(Payload.Expected(100_000, 5)) }.ToByteArray();
        var stale = new Orchestrator.Protocol.V1.Segment { Payload = ByteString.CopyFrom(1, 2, 3), Step = 99 }.ToByteArray();
        var message = Frames.Prefixed([.. stale, .. payload, .. fields]);
        peer.Send(Frames.Call());
        foreach (var piece in message.Chunk(30_000))
        {
            peer.Send(Frames.Data(1, piece));
        }

        peer.Send(Frames.Data(1, Frames.Message(Frames.Segment(9, 6)), FrameFlags.EndStream));
        Assert.Equal("0", peer.NextStatus());
        var first = pair.Receiver.Next();
        Assert.Equal(Pair.Header(100_000), first.Header);
        Assert.Equal(Payload.Expected(100_000, 5), first.Payload);
        Assert.Equal(Payload.Expected(9, 6), pair.Receiver.Next().Payload);
    }

    [Fact]
    public void Message_WithUnknownFieldsOfEveryKind_IsTaken()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        // Fields 20 to 24: a number, eight bytes, four bytes, a string, a group that holds a number.
        byte[] unknown = [0xa0, 1, 0xff, 0x7f, 0xa9, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0xb5, 1, 1, 2, 3, 4, 0xba, 1, 3, 65, 66, 67, 0xc3, 1, 8, 5, 0xc4, 1];
        byte[] message = [.. unknown, .. Frames.Segment(50_000, 2).ToByteArray()];
        peer.Send(Frames.Call(), Frames.Data(1, Frames.Prefixed(message)), Frames.Data(1, Frames.Prefixed([.. Frames.Segment(10, 3).ToByteArray(), .. unknown])),
            Frames.Data(1, Frames.Prefixed([.. Enumerable.Repeat(unknown, 40).SelectMany(bytes => bytes), .. Frames.Segment(70_000, 4).ToByteArray()]), FrameFlags.EndStream));
        Assert.Equal("0", peer.NextStatus());
        Assert.Equal(Payload.Expected(50_000, 2), pair.Receiver.Next().Payload);
        Assert.Equal(Payload.Expected(10, 3), pair.Receiver.Next().Payload);
        Assert.Equal(Payload.Expected(70_000, 4), pair.Receiver.Next().Payload);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(1000)]
    public void Messages_CutIntoFramesAnywhere_AreTaken(int frameBytes)
    {
        using var pair = new Pair(options: new BulkServerOptions { Limits = new BulkLimits { MaxControlFramesPerSecond = 1_000_000 } });
        using var peer = RawPeer.Open(pair);
        byte[] messages = [.. Frames.Message(Frames.Segment(0)), .. Frames.Message(Frames.Segment(1, 1)), .. Frames.Prefixed([]), .. Frames.Message(Frames.Segment(5000, 2)), .. Frames.Message(Frames.Segment(7, 3))];
        peer.Send(Frames.Call(), [.. messages.Chunk(frameBytes).SelectMany(piece => Frames.Data(1, piece))], Frames.Data(1, [], FrameFlags.EndStream));
        Assert.Equal("0", peer.NextStatus());
        Assert.Equal(0, pair.Receiver.Next().Header.PayloadBytes);
        Assert.Equal(Payload.Expected(1, 1), pair.Receiver.Next().Payload);
        Assert.Equal(default, pair.Receiver.Next().Header);
        Assert.Equal(Payload.Expected(5000, 2), pair.Receiver.Next().Payload);
        Assert.Equal(Payload.Expected(7, 3), pair.Receiver.Next().Payload);
    }

    public static TheoryData<string, byte[], string> BadMessages => new()
    {
        { "compressed", Frames.Prefixed([1, 2, 3], flag: 1), "12" },
        { "a flag of 2", Frames.Prefixed([1, 2, 3], flag: 2), "13" },
        { "too long", [0, .. Frames.Number(uint.MaxValue)], "8" },
        { "no protobuf", Frames.Prefixed([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "13" },
        { "field 0", Frames.Prefixed([0, 1]), "13" },
        { "a payload longer than its message", Frames.Prefixed([0x4a, 0x05, 1]), "13" },
        { "a field longer than its message", Frames.Prefixed([0xba, 1, 0x7f]), "13" },
        { "a number cut off", Frames.Prefixed([0x08, 0x80]), "13" },
        { "a group without end", Frames.Prefixed([0xc3, 1, 8, 5]), "13" },
        { "groups within groups", Frames.Prefixed([.. Enumerable.Repeat((byte)0x0b, 2000)]), "13" },
        { "too long to buffer", [0, .. Frames.Number(20_000_000), 0x4a, 0x01, 7, 0x08, 0x01], "8" },
    };

    [Theory]
    [MemberData(nameof(BadMessages))]
    public void Message_ThatIsNone_EndsTheStreamWithAStatus(string kind, byte[] message, string status)
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(), Frames.Data(1, message), Frames.Ping());
        Assert.True(peer.NextStatus() == status, kind);
        Assert.NotNull(Wait.For(pair.Receiver.Ended, "The end"));
        Assert.Equal(FrameFlags.Ack, peer.Next(FrameType.Ping).Flags);
    }

    [Fact]
    public void Stream_EndedWithinAMessage_IsRefused()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(), Frames.Data(1, Frames.Message(Frames.Segment(100))[..50], FrameFlags.EndStream));
        Assert.Equal("13", peer.NextStatus());
        Assert.Contains("in message 1", Wait.For(pair.Receiver.Ended, "The end"), StringComparison.Ordinal);
    }

    [Fact]
    public void Streams_SeveralOnOneConnection_ReachTheirReceivers()
    {
        using var second = new Collector();
        var receivers = new Queue<Collector>();
        using var pair = new Pair(resolver: (_, _) => ValueTask.FromResult<IBulkReceiver>(receivers.Dequeue()));
        receivers.Enqueue(pair.Receiver);
        receivers.Enqueue(second);
        using var peer = RawPeer.Open(pair);
        byte[][] messages = [Frames.Message(Frames.Segment(30_000, 1)), Frames.Message(Frames.Segment(30_000, 2))];
        peer.Send(Frames.Call(1), Frames.Call(3));
        for (var at = 0; at < messages[0].Length; at += 1000)
        {
            peer.Send(Frames.Data(1, messages[0][at..Math.Min(at + 1000, messages[0].Length)]), Frames.Data(3, messages[1][at..Math.Min(at + 1000, messages[1].Length)]));
        }

        peer.Send(Frames.Data(3, [], FrameFlags.EndStream), Frames.Reset(1));
        Assert.Equal("0", peer.NextStatus());
        Assert.Equal(Payload.Expected(30_000, 1), pair.Receiver.Next().Payload);
        Assert.Equal(Payload.Expected(30_000, 2), second.Next().Payload);
        Assert.Contains("reset it with Cancel", Wait.For(pair.Receiver.Ended, "The end"), StringComparison.Ordinal);
        Assert.Null(Wait.For(second.Ended, "The end"));
    }

    [Fact]
    public void KeepAlive_PeerThatAnswersNoPing_IsGone()
    {
        using var pair = new Pair(options: new BulkServerOptions { KeepAliveDelay = TimeSpan.FromMilliseconds(100), KeepAliveTimeout = TimeSpan.FromMilliseconds(100) });
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call());
        Assert.Contains("answered no ping", Wait.For(pair.Receiver.Ended, "The end"), StringComparison.Ordinal);
        Assert.Equal(0, peer.Next(FrameType.Ping).Flags);
    }

    [Fact]
    public async Task KeepAlive_QuietLinkOfOurs_StaysUp()
    {
        var quick = TimeSpan.FromMilliseconds(50);
        using var pair = new Pair(options: new BulkServerOptions { KeepAliveDelay = quick, KeepAliveTimeout = quick });
        var log = new LinkLog();
        using var link = pair.Connect(log, new BulkLinkOptions { KeepAliveDelay = quick, KeepAliveTimeout = quick });
        await Assert.ThrowsAsync<TimeoutException>(() => log.LostReason.WaitAsync(quick * 10));
        link.Send(Pair.Header(0), 0);
        pair.Receiver.Next();
    }

    [Fact]
    public void Send_SteadyState_AllocatesNothing()
    {
        // Ten thousand messages of 64 KiB after a warm-up; what both threads of the way allocate is seen by the callbacks that run on them.
        const int Count = 10_000;
        var meter = new AllocationMeter();
        using var pair = new Pair(resolver: (_, _) => ValueTask.FromResult<IBulkReceiver>(meter));
        using var link = pair.Connect(meter);
        using var payload = new Payload(65_536, 1);
        meter.Place = payload.Address;
        for (var index = 0; index < 2 * Count; index++)
        {
            meter.Slots.Wait();
            link.Send(Pair.Header(payload.Bytes, index), payload.Address);
        }

        link.Flush();
        Assert.True(meter.Done.Wait(Wait.Limit));
        Assert.Equal((0, 0), (meter.ReceivingBytes, meter.SendingBytes));
    }

    private sealed class NowhereReceiver : IBulkReceiver
    {
        public List<long> Steps { get; } = [];

        public PayloadPlace Reserve(in BulkHeader header) => PayloadPlace.Nowhere;

        public void Received(in BulkHeader header) => Steps.Add(header.Step);

        public void Ended(int sender, string? reason)
        {
        }
    }

    private sealed class AllocationMeter : IBulkReceiver, IBulkLinkEvents
    {
        private const int First = 10_000;
        private const int Last = 19_999;
        private long _receivingStart;
        private long _sendingStart;

        public SemaphoreSlim Slots { get; } = new(64);

        public ManualResetEventSlim Done { get; } = new();

        public nint Place { get; set; }

        public long ReceivingBytes { get; private set; } = -1;

        public long SendingBytes { get; private set; } = -1;

        public PayloadPlace Reserve(in BulkHeader header) => new(Place, header.PayloadBytes);

        public void Received(in BulkHeader header)
        {
            if (header.Step == First)
            {
                _receivingStart = GC.GetAllocatedBytesForCurrentThread();
            }
            else if (header.Step == Last)
            {
                ReceivingBytes = GC.GetAllocatedBytesForCurrentThread() - _receivingStart;
                Done.Set();
            }
        }

        public void Sent(in BulkHeader header, object? state)
        {
            if (header.Step == First)
            {
                _sendingStart = GC.GetAllocatedBytesForCurrentThread();
            }
            else if (header.Step == Last)
            {
                SendingBytes = GC.GetAllocatedBytesForCurrentThread() - _sendingStart;
            }
            else
            {
                Slots.Release();
            }
        }

        public void Ended(int sender, string? reason)
        {
        }

        public void Lost(string reason)
        {
        }
    }
}
