using System.Net;
using System.Net.Sockets;
using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests;

/// <summary>Our link against servers made of bytes: how it honours their windows and frame sizes, and what it says of how they end.</summary>
public sealed class LinkTests : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly LinkLog _log = new();
    private Dictionary<string, string>? _request;

    public LinkTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1);
    }

    public void Dispose() => _listener.Dispose();

    [Theory]
    [InlineData(65_535, 16_384)]
    [InlineData(1_000, 16_384)]
    [InlineData(1, 16_384)]
    [InlineData(int.MaxValue, 16_384)]
    [InlineData(int.MaxValue, 1_000_000)]
    [InlineData(int.MaxValue, FrameHeader.LargestLength)]
    [InlineData(1_000, 16_384, false)]
    [InlineData(1, 16_384, false)]
    [InlineData(int.MaxValue, 1_000_000, false)]
    public void Send_WindowsAndFrameSizesOfAnyPeer_AreHonoured(int windowBytes, int maxFrameBytes, bool tellsSent = true)
    {
        var payloadBytes = windowBytes == 1 ? 300 : 3_000_000;
        using var link = Connect(out var peer, new BulkLinkOptions { TellsSent = tellsSent }, (4, (uint)windowBytes), (5, (uint)maxFrameBytes));
        using var payload = new Payload(payloadBytes, 3);
        link.Send(Pair.Header(payloadBytes), payload.Address);
        var ended = link.Complete();
        var (connection, stream) = (65_535L, (long)windowBytes);
        var received = new MemoryStream();
        Frame data;
        do
        {
            data = peer.Next(FrameType.Data);
            received.Write(data.Payload);
            connection -= data.Payload.Length;
            stream -= data.Payload.Length;
            Assert.True(connection >= 0 && stream >= 0 && data.Payload.Length <= maxFrameBytes,
                $"A frame of {data.Payload.Length} bytes leaves windows of {connection} and {stream}.");
            if (data.Payload.Length > 0)
            {
                peer.Send(Frames.WindowUpdate(0, (uint)data.Payload.Length), Frames.WindowUpdate(1, (uint)data.Payload.Length));
                connection += data.Payload.Length;
                stream += data.Payload.Length;
            }
        }
        while (!data.Ends);

        var segment = Orchestrator.Protocol.V1.Segment.Parser.ParseFrom(received.ToArray().AsSpan(5));
        Assert.Equal(Payload.Expected(payloadBytes, 3), segment.Payload.ToByteArray());
        Assert.Equal(4096, segment.Offset);
        Answer(peer, 1);
        Assert.Equal(1, Wait.For(ended, "The summary"));
        Assert.Equal(0, _log.LostCalls);
    }

    /// <summary>A worker that is told to drop a link just when it has connected.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Connect_CancelledAtAnyMoment_IsALinkOrCancelled(bool isUnix)
    {
        using var pair = new Pair(isUnix);
        for (var round = 0; round < 1000; round++)
        {
            using var cancellation = new CancellationTokenSource();
            using var both = new Barrier(2);
            var canceller = new Thread(() =>
            {
                both.SignalAndWait();
                Thread.SpinWait(10 * (round % 200));
                cancellation.Cancel();
            });
            canceller.Start();
            both.SignalAndWait();
            try
            {
                BulkLink.Connect(pair.Address, Pair.Call, new LinkLog(), null, cancellation.Token).Dispose();
            }
            catch (OperationCanceledException)
            {
            }

            canceller.Join();
        }
    }

    /// <summary>A caller may hold a lock that its own <see cref="IBulkLinkEvents.Sent"/> takes: a feed's did, and a member hung for good.</summary>
    [Fact]
    public void Sent_IsToldOfPayloadsOnly_AndNeverOnTheThreadThatQueues()
    {
        using var link = Connect(out _);
        using var payload = new Payload(1000, 3);
        for (var round = 0; round < 20; round++)
        {
            link.Send(Pair.Header(0), 0, "without a payload");
            link.Flush(TestContext.Current.CancellationToken);
            link.Send(Pair.Header(payload.Bytes), payload.Address, "with one");
            link.Flush(TestContext.Current.CancellationToken);
        }

        Assert.Equal(Enumerable.Repeat<object?>("with one", 20), _log.SentStates);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, _log.SentThreads);
    }

    /// <summary>gRPC's C core ends a connection on which a larger frame comes before the acknowledgement of the settings that allow it.</summary>
    [Fact]
    public void Settings_ThatAllowLargerFrames_AreAcknowledgedBeforeTheFirstOfThese()
    {
        using var link = Connect(out var peer, (4, int.MaxValue));
        using var payload = new Payload(8_000_000, 3);
        peer.Send(Frames.WindowUpdate(0, int.MaxValue - 65_535));
        for (var message = 0; message < 8; message++)
        {
            link.Send(Pair.Header(payload.Bytes, message), payload.Address);
        }

        var (allowed, announced, left) = (16_384, 16_384, 8L * payload.Bytes);
        while (left > 0)
        {
            if (announced == allowed && announced < 4_000_000)
            {
                announced *= 2;
                peer.Send(Frames.Settings((5, (uint)announced)));
            }

            var frame = peer.Read()!;
            allowed = frame.Type == FrameType.Settings ? announced : allowed;
            Assert.True(frame.Type != FrameType.Data || frame.Payload.Length <= allowed, $"A frame of {frame.Payload.Length} bytes came; {allowed} were acknowledged.");
            left -= frame.Type == FrameType.Data ? frame.Payload.Length : 0;
        }
    }

    [Fact]
    public void Settings_ThatShrinkTheWindow_StopTheSender()
    {
        using var link = Connect(out var peer, (4, 1000));
        using var payload = new Payload(5000, 3);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        Assert.Equal(1000, peer.Next(FrameType.Data).Payload.Length);
        peer.Send(Frames.Settings((4, 0)), Frames.WindowUpdate(1, 900), Frames.Ping());
        // 1000 were sent, so a window of 0 plus 900 is a debt of 100.
        Assert.Equal(FrameType.Settings, peer.Read()!.Type);
        Assert.Equal(FrameType.Ping, peer.Read()!.Type);
        peer.Send(Frames.WindowUpdate(1, 150));
        Assert.Equal(50, peer.Next(FrameType.Data).Payload.Length);
    }

    [Fact]
    public void Ping_WhileTheSenderWaitsForWindow_IsAnswered()
    {
        using var link = Connect(out var peer, (4, 0));
        using var payload = new Payload(5000, 3);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        peer.Send(Frames.Ping());
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], peer.Next(FrameType.Ping).Payload);
    }

    [Fact]
    public void Request_IsAGrpcCall()
    {
        using var link = Connect(out var peer);
        Assert.Equal(new SortedDictionary<string, string>
        {
            [":method"] = "POST",
            [":scheme"] = "http",
            [":path"] = "/orchestrator.v1.Collective/Push",
            [":authority"] = _listener.LocalEndPoint!.ToString()!,
            ["te"] = "trailers",
            ["content-type"] = "application/grpc",
            ["user-agent"] = "orchestrator-bulk",
            ["orchestrator-run"] = "run-1",
            ["orchestrator-generation"] = "7",
            ["orchestrator-sender"] = "3",
        }, new SortedDictionary<string, string>(_request!));
    }

    public static TheoryData<byte[], string> Ends => new()
    {
        { Refusal(BulkStatus.Aborted, "step 7 is over"), "it ended the call with Aborted: step 7 is over" },
        { Frames.Headers(1, [new(":status", "503")], FrameFlags.EndHeaders | FrameFlags.EndStream), "it answered with HTTP status 503" },
        { Frames.Headers(1, [new(":status", "200")], FrameFlags.EndHeaders | FrameFlags.EndStream), "without a gRPC status" },
        { [.. Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, Responses.Head), .. Frames.Of(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, Responses.GoodTrailers)], "no PushSummary" },
        { Frames.Reset(1, ErrorCode.RefusedStream), "it reset the stream with RefusedStream" },
        { [.. Frames.Of(FrameType.GoAway, 0, 0, [0, 0, 0, 1, 0, 0, 0, 11, .. "calm down"u8])], "GOAWAY with EnhanceYourCalm: calm down" },
        { Frames.Data(3, [1]), "on stream 3; only stream 1 is open" },
        { [.. Frames.WindowUpdate(1, int.MaxValue), .. Frames.WindowUpdate(1, int.MaxValue)], "grew the window of stream 1" },
        { Frames.Of(FrameType.PushPromise, 0, 1, 0, 0, 0, 2), "PUSH_PROMISE" },
        { Frames.Data(1, new byte[2000]), "no PushSummary" },
        { [], "closed the connection" },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task Peer_ThatEndsEarly_IsReportedOnceWithItsReason(byte[] frames, string reason)
    {
        using var link = Connect(out var peer);
        using var payload = new Payload(30_000_000, 3);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        peer.Send(frames);
        peer.Socket.Shutdown(SocketShutdown.Send);
        var told = await _log.LostReason.WaitAsync(Wait.Limit);
        Assert.Contains(reason, told, StringComparison.Ordinal);
        Assert.Equal(told, link.LostReason);
        Assert.Equal(told, (await Assert.ThrowsAsync<BulkLinkException>(() => link.Complete().WaitAsync(Wait.Limit))).Message);
        Assert.Equal(1, _log.LostCalls);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
    }

    [Fact]
    public void Answer_BeforeTheStreamWasEnded_IsALoss()
    {
        using var link = Connect(out var peer);
        Answer(peer, 0);
        Assert.Contains("ended the call before", Wait.For(_log.LostReason, "The loss"), StringComparison.Ordinal);
    }

    [Fact]
    public void Peer_ThatFreezes_IsReported()
    {
        var quick = TimeSpan.FromMilliseconds(100);
        using var link = Connect(out var peer, new BulkLinkOptions { KeepAliveDelay = quick, KeepAliveTimeout = quick });
        using var payload = new Payload(64 << 20, 3);
        peer.Send(Frames.WindowUpdate(0, 1 << 30), Frames.WindowUpdate(1, 1 << 30));
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        var reason = Wait.For(_log.LostReason, "The loss");
        Assert.True(reason.Contains("silent", StringComparison.Ordinal) || reason.Contains("took no byte", StringComparison.Ordinal), reason);
    }

    [Fact]
    public void Peer_ThatNeverSaysItsSettings_IsReported()
    {
        using var link = BulkLink.Connect(_listener.LocalEndPoint!, Pair.Call, _log, new BulkLinkOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(100), KeepAliveDelay = TimeSpan.FromMilliseconds(100) });
        using var socket = _listener.Accept();
        Assert.Contains("sent no HTTP/2 settings within", Wait.For(_log.LostReason, "The loss"), StringComparison.Ordinal);
    }

    [Fact]
    public void Peer_ThatFloodsWithPings_IsLeft()
    {
        using var link = Connect(out var peer);
        peer.Send([.. Enumerable.Repeat(Frames.Ping(), 3000).SelectMany(ping => ping)]);
        Assert.Contains("in a second", Wait.For(_log.LostReason, "The loss"), StringComparison.Ordinal);
    }

    [Fact]
    public void Connect_NobodyListens_SaysWhere()
    {
        var address = (IPEndPoint)_listener.LocalEndPoint!;
        _listener.Dispose();
        var error = Assert.Throws<BulkLinkException>(() => BulkLink.Connect(address, Pair.Call, _log));
        Assert.Contains(address.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Connect_NobodyAnswers_EndsInTime()
    {
        // The queue of one is full, so the kernel drops what comes.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        first.Connect(full.LocalEndPoint!);
        var error = Assert.Throws<BulkLinkException>(() => BulkLink.Connect(full.LocalEndPoint!, Pair.Call, _log, new BulkLinkOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(200) }));
        Assert.Contains("no answer within 0.2 s", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Refusal(BulkStatus status, string message) =>
        Frames.Of(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, Responses.Refusal(200, status, message));

    private static void Answer(RawPeer peer, long segments) => peer.Send(
        Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, Responses.Head),
        Frames.Data(1, Messages.SegmentCodec.WriteSummary(segments)),
        Frames.Of(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, Responses.GoodTrailers));

    private BulkLink Connect(out RawPeer peer, params (int Id, uint Value)[] settings) => Connect(out peer, null, settings);

    private BulkLink Connect(out RawPeer peer, BulkLinkOptions? options, params (int Id, uint Value)[] settings)
    {
        var link = BulkLink.Connect(_listener.LocalEndPoint!, Pair.Call, _log, options);
        peer = new RawPeer(_listener.Accept());
        peer.ReadPreface();
        Assert.Equal(FrameType.Settings, peer.Read()!.Type);
        _request = peer.NextHeaders(out _);
        peer.Send(Frames.Settings(settings));
        Assert.Equal(FrameFlags.Ack, peer.Next(FrameType.Settings).Flags);
        return link;
    }
}
