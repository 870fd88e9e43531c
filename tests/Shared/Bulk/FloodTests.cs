using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests;

/// <summary>What a client can do without end to make a server work or hold memory, and the bound that stops it.</summary>
public sealed class FloodTests
{
    private static readonly BulkLimits Limits = new();

    private static readonly byte[] EmptyContinuation = Frames.Of(FrameType.Continuation, 0, 1);

    public static TheoryData<string, byte[], byte[]> Floods => new()
    {
        { "pings", [], Frames.Ping() },
        { "ping answers", [], Frames.Ping(FrameFlags.Ack) },
        { "settings", [], Frames.Settings((4, 1000)) },
        { "settings acknowledgements", [], Frames.Of(FrameType.Settings, FrameFlags.Ack, 0) },
        { "priorities", [], Frames.Of(FrameType.Priority, 0, 1, 0, 0, 0, 3, 1) },
        { "unknown frames", [], Frames.Of((FrameType)77, 0, 1, 1, 2, 3) },
        { "empty data", Frames.Call(), Frames.Data(1, []) },
        { "data that is all padding", Frames.Call(), Frames.Of(FrameType.Data, FrameFlags.Padded, 1, 3, 0, 0, 0) },
        { "window updates of the connection", [], Frames.WindowUpdate(0, 1) },
        { "window updates of a stream", Frames.Call(), Frames.WindowUpdate(1, 1) },
        { "go-aways", [], Frames.Of(FrameType.GoAway, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) },
        { "empty continuations", Frames.Call(flags: 0), EmptyContinuation },
        { "continuations", Frames.Call(flags: 0), Frames.Of(FrameType.Continuation, 0, 1, new byte[1500]) },
        { "settings of many entries", [], Frames.Settings([.. Enumerable.Repeat((4, 1000u), 65)]) },
    };

    [Theory]
    [MemberData(nameof(Floods))]
    public void Flood_OfFramesWithoutContent_EndsTheConnection(string kind, byte[] before, byte[] frame)
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        peer.Send(before);
        for (var hundreds = 0; hundreds < 30 && !peer.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectError); hundreds++)
        {
            peer.Send([.. Enumerable.Repeat(frame, 100)]);
        }

        Assert.True(peer.NextGoAway() == ErrorCode.EnhanceYourCalm, kind);
    }

    [Fact]
    public void RapidReset_OfStreamAfterStream_EndsTheConnection()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        for (var streamId = 1; streamId < 2000; streamId += 2)
        {
            peer.Send(Frames.Call(streamId), Frames.Reset(streamId));
        }

        Assert.Equal(ErrorCode.EnhanceYourCalm, peer.NextGoAway());
        Assert.InRange(pair.Receiver.EndedCalls, 1, Limits.MaxResetsPerSecond * 2);
    }

    [Fact]
    public void MadeYouReset_ErrorOnStreamAfterStream_EndsTheConnection()
    {
        // The peer resets nothing itself, but makes us do it (CVE-2025-8671): each stream has cost us a call to the receiver's finder by then.
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        for (var streamId = 1; streamId < 2000; streamId += 2)
        {
            peer.Send(Frames.Call(streamId), Frames.WindowUpdate(streamId, 0));
        }

        Assert.Equal(ErrorCode.EnhanceYourCalm, peer.NextGoAway());
        Assert.InRange(pair.Receiver.EndedCalls, 1, Limits.MaxResetsPerSecond * 2);
    }

    [Fact]
    public void HeaderBomb_ShortBlockThatNamesALongFieldOften_EndsTheConnection()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        // One field of 3,000 bytes goes into the dynamic table (index 62) and is then named a thousand times by one byte each.
        byte[] field = [0x40, 0x01, (byte)'a', 0x7f, 0xb9, 0x16, .. Enumerable.Repeat((byte)'b', 3000)];
        peer.Send(Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, [.. field, .. Enumerable.Repeat((byte)0xbe, 1000)]));
        Assert.Equal(ErrorCode.EnhanceYourCalm, peer.NextGoAway());
    }

    [Fact]
    public void HeaderBlock_LongerThanItsBound_EndsTheConnectionBeforeItIsHeld()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, new byte[Limits.MaxHeaderBlockBytes + 1]));
        Assert.Equal(ErrorCode.EnhanceYourCalm, peer.NextGoAway());
    }

    [Fact]
    public void Answers_ThatThePeerNeverReads_EndTheConnectionInTime()
    {
        // A peer that asks for answers and reads none fills the kernel's buffers; then the server stops reading, and at last gives up.
        using var pair = new Pair(options: new BulkServerOptions
        {
            KeepAliveDelay = TimeSpan.FromMilliseconds(200),
            KeepAliveTimeout = TimeSpan.FromMilliseconds(200),
            SocketBufferBytes = 4096,
            Limits = new BulkLimits { MaxControlFramesPerSecond = int.MaxValue / 1000 },
        });
        using var peer = RawPeer.Open(pair);
        peer.Socket.ReceiveBufferSize = 4096;
        peer.Socket.SendTimeout = 100;
        byte[] pings = [.. Enumerable.Repeat(Frames.Ping(), 1000).SelectMany(ping => ping)];
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (pair.Logged.IsEmpty && clock.Elapsed < Wait.Limit)
        {
            peer.Send(pings);
        }

        Assert.Contains(pair.Logged, line => line.Contains("took no byte", StringComparison.Ordinal) || line.Contains("silent", StringComparison.Ordinal));
    }

    [Fact]
    public void FloodGuard_AtItsRate_NeverRefuses()
    {
        var guard = new FloodGuard(100);
        for (var now = 0L; now < 100_000; now += 10)
        {
            Assert.True(guard.TryTake(1, now));
        }
    }

    [Fact]
    public void FloodGuard_BurstBeyondASecondsWorth_RefusesAndRecovers()
    {
        var guard = new FloodGuard(100);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(guard.TryTake(1, 0)));
        Assert.False(guard.TryTake(1, 0));
        Assert.True(guard.TryTake(1, 1000));
    }
}
