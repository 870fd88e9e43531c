using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests;

/// <summary>Each rule of HTTP/2 that a client can break, and the error that it gets.</summary>
public sealed class ServerRuleTests
{
    public static TheoryData<string, byte[], ErrorCode> ConnectionErrors => new()
    {
        { "settings on a stream", Frames.Of(FrameType.Settings, 0, 1), ErrorCode.ProtocolError },
        { "settings of five bytes", Frames.Of(FrameType.Settings, 0, 0, 1, 2, 3, 4, 5), ErrorCode.FrameSizeError },
        { "an acknowledgement with content", Frames.Of(FrameType.Settings, FrameFlags.Ack, 0, 1, 2, 3, 4, 5, 6), ErrorCode.FrameSizeError },
        { "push neither on nor off", Frames.Settings((2, 2)), ErrorCode.ProtocolError },
        { "an initial window of 2^31", Frames.Settings((4, 1u << 31)), ErrorCode.FlowControlError },
        { "a frame size below 2^14", Frames.Settings((5, 100)), ErrorCode.ProtocolError },
        { "a frame size of 2^24", Frames.Settings((5, 1 << 24)), ErrorCode.ProtocolError },
        { "a ping on a stream", Frames.Of(FrameType.Ping, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8), ErrorCode.ProtocolError },
        { "a ping of seven bytes", Frames.Of(FrameType.Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7), ErrorCode.FrameSizeError },
        { "a go-away of seven bytes", Frames.Of(FrameType.GoAway, 0, 0, 1, 2, 3, 4, 5, 6, 7), ErrorCode.FrameSizeError },
        { "a go-away on a stream", Frames.Of(FrameType.GoAway, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8), ErrorCode.ProtocolError },
        { "a window update of three bytes", Frames.Of(FrameType.WindowUpdate, 0, 0, 1, 2, 3), ErrorCode.FrameSizeError },
        { "a window update of zero", Frames.WindowUpdate(0, 0), ErrorCode.ProtocolError },
        { "a window update of an idle stream", Frames.WindowUpdate(1, 5), ErrorCode.ProtocolError },
        { "a connection window beyond 2^31 - 1", Frames.WindowUpdate(0, int.MaxValue), ErrorCode.FlowControlError },
        { "a reset of an idle stream", Frames.Reset(1), ErrorCode.ProtocolError },
        { "a reset of the connection", Frames.Reset(0), ErrorCode.ProtocolError },
        { "a reset of five bytes", Frames.Of(FrameType.ResetStream, 0, 1, 1, 2, 3, 4, 5), ErrorCode.FrameSizeError },
        { "data on stream 0", Frames.Data(0, [1]), ErrorCode.ProtocolError },
        { "data on an idle stream", Frames.Data(1, [1]), ErrorCode.ProtocolError },
        { "headers on stream 0", Frames.Call(0), ErrorCode.ProtocolError },
        { "headers on an even stream", Frames.Call(2), ErrorCode.ProtocolError },
        { "a continuation of nothing", Frames.Of(FrameType.Continuation, FrameFlags.EndHeaders, 1), ErrorCode.ProtocolError },
        { "a push promise", Frames.Of(FrameType.PushPromise, FrameFlags.EndHeaders, 1, 0, 0, 0, 2), ErrorCode.ProtocolError },
        { "headers all padding", Frames.Of(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.Padded, 1, 5, 0, 0), ErrorCode.ProtocolError },
        { "headers too short for their priority", Frames.Of(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.Priority, 1, 5, 0, 0), ErrorCode.FrameSizeError },
        { "padded data without a length", [.. Frames.Call(), .. Frames.Of(FrameType.Data, FrameFlags.Padded, 1)], ErrorCode.FrameSizeError },
        { "data all padding and more", [.. Frames.Call(), .. Frames.Of(FrameType.Data, FrameFlags.Padded, 1, 9, 0, 0)], ErrorCode.ProtocolError },
        { "a ping within a header block", [.. Frames.Call(flags: 0), .. Frames.Ping()], ErrorCode.ProtocolError },
        { "an unknown frame within a header block", [.. Frames.Call(flags: 0), .. Frames.Of((FrameType)99, 0, 1)], ErrorCode.ProtocolError },
        { "a continuation of another stream", [.. Frames.Call(flags: 0), .. Frames.Of(FrameType.Continuation, FrameFlags.EndHeaders, 3)], ErrorCode.ProtocolError },
        { "a frame longer than announced", [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1], ErrorCode.ProtocolError },
        { "a header index that is not there", Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, 0xff, 0x20), ErrorCode.CompressionError },
        { "header index 0", Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, 0x80), ErrorCode.CompressionError },
        { "a header string cut off", Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, 0x00, 0x05, 0x61), ErrorCode.CompressionError },
        { "a Huffman string with the end symbol", Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, 0x00, 0x84, 0xff, 0xff, 0xff, 0xff), ErrorCode.CompressionError },
        { "a table larger than announced", Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 1, 0x3f, 0xe2, 0x1f), ErrorCode.CompressionError },
        { "a stream number that went back", [.. Frames.Call(5), .. Frames.Call(3)], ErrorCode.StreamClosed },
        { "data after a reset of the client's", [.. Frames.Call(), .. Frames.Reset(1), .. Frames.Reset(1), .. Frames.Data(3, [1])], ErrorCode.ProtocolError },
    };

    public static TheoryData<string, byte[], ErrorCode> StreamErrors => new()
    {
        { "a window update of zero", [.. Frames.Call(), .. Frames.WindowUpdate(1, 0)], ErrorCode.ProtocolError },
        { "a window beyond 2^31 - 1", [.. Frames.Call(), .. Frames.WindowUpdate(1, int.MaxValue), .. Frames.WindowUpdate(1, 1)], ErrorCode.FlowControlError },
        { "a priority of four bytes", [.. Frames.Call(), .. Frames.Of(FrameType.Priority, 0, 1, 1, 2, 3, 4)], ErrorCode.FrameSizeError },
        { "data after the end", [.. Frames.Call(flags: FrameFlags.EndHeaders | FrameFlags.EndStream), .. Frames.Data(1, [1])], ErrorCode.StreamClosed },
        { "headers after the end", [.. Frames.Call(flags: FrameFlags.EndHeaders | FrameFlags.EndStream), .. Frames.Call()], ErrorCode.StreamClosed },
        { "a second head that does not end", [.. Frames.Call(), .. Frames.Headers(1, [new("a", "b")])], ErrorCode.ProtocolError },
        { "no method", Frames.Headers(1, [.. Frames.CallFields.Where(known => known.Name != ":method")]), ErrorCode.ProtocolError },
        { "an upper-case name", Frames.Headers(1, [.. Frames.CallFields, new("Abc", "d")]), ErrorCode.ProtocolError },
        { "a pseudo field after others", Frames.Headers(1, [.. Frames.CallFields, new(":late", "d")]), ErrorCode.ProtocolError },
        { "a path twice", Frames.Headers(1, [new(":path", "/"), .. Frames.CallFields]), ErrorCode.ProtocolError },
        { "a field of the connection", Frames.Headers(1, [.. Frames.CallFields, new("connection", "close")]), ErrorCode.ProtocolError },
        { "a line end in a value", Frames.Headers(1, [.. Frames.CallFields, new("x", "a\nb")]), ErrorCode.ProtocolError },
    };

    [Theory]
    [MemberData(nameof(ConnectionErrors))]
    public void Connection_RuleBroken_EndsWithItsCode(string rule, byte[] frames, ErrorCode code)
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        peer.Send(frames);
        var goAway = peer.Next(FrameType.GoAway);
        Assert.True(code == goAway.Code, $"{rule}: {goAway.Code} ({System.Text.Encoding.UTF8.GetString(goAway.Payload.AsSpan(8))})");
        Assert.Null(peer.Read());
    }

    [Theory]
    [MemberData(nameof(StreamErrors))]
    public void Stream_RuleBroken_IsResetAndTheConnectionGoesOn(string rule, byte[] frames, ErrorCode code)
    {
        // The answer to the call needs a window that never comes, so that the stream is still there.
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair, (4, 0));
        peer.Send(frames);
        var reset = peer.Next(FrameType.ResetStream);
        Assert.True(code == reset.Code && reset.StreamId == 1, $"{rule}: {reset.Code} on stream {reset.StreamId}");
        peer.Send(Frames.Ping());
        Assert.Equal(FrameFlags.Ack, peer.Next(FrameType.Ping).Flags);
    }

    [Fact]
    public void Preface_OfAnotherProtocol_EndsTheConnection()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Connect(pair.Address);
        peer.Send("GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray());
        Assert.Equal(ErrorCode.ProtocolError, peer.NextGoAway());
    }

    [Fact]
    public void FirstFrame_NotSettings_EndsTheConnection()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Connect(pair.Address);
        peer.Send(Frames.Preface, Frames.Ping());
        Assert.Equal(ErrorCode.ProtocolError, peer.NextGoAway());
    }

    [Fact]
    public void Frame_LongerThanAnnounced_IsAFrameSizeError()
    {
        using var pair = new Pair(options: new BulkServerOptions { Limits = new BulkLimits { MaxFrameBytes = 16384 } });
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(), Frames.Data(1, new byte[16385]));
        Assert.Equal(ErrorCode.FrameSizeError, peer.NextGoAway());
    }

    [Fact]
    public void Data_BeyondTheFirstWindowWhileNobodyTakesIt_IsAFlowControlError()
    {
        var never = new TaskCompletionSource<IBulkReceiver>();
        using var pair = new Pair(resolver: (_, _) => new ValueTask<IBulkReceiver>(never.Task));
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(), Frames.Data(1, new byte[65_535]), Frames.Data(1, [1]));
        Assert.Equal(ErrorCode.FlowControlError, peer.Next(FrameType.ResetStream).Code);
    }

    [Fact]
    public void Data_OnAStreamThatTheServerRefused_IsIgnored()
    {
        using var pair = new Pair(resolver: (_, _) => throw new BulkRejectedException(BulkStatus.NotFound, "no such run"));
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call());
        Assert.Equal("5", peer.NextStatus());
        Assert.Equal(ErrorCode.NoError, peer.Next(FrameType.ResetStream).Code);
        peer.Send(Frames.Data(1, new byte[1000]), Frames.Reset(1), Frames.WindowUpdate(1, 9), Frames.Ping());
        Assert.Equal(FrameFlags.Ack, peer.Next(FrameType.Ping).Flags);
    }

    [Fact]
    public void Streams_MoreThanAllowed_AreRefused()
    {
        var never = new TaskCompletionSource<IBulkReceiver>();
        using var pair = new Pair(options: new BulkServerOptions { Limits = new BulkLimits { MaxStreams = 2 } }, resolver: (_, _) => new ValueTask<IBulkReceiver>(never.Task));
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Call(1), Frames.Call(3), Frames.Call(5));
        var reset = peer.Next(FrameType.ResetStream);
        Assert.Equal((ErrorCode.RefusedStream, 5), (reset.Code, reset.StreamId));
    }

    [Theory]
    [InlineData(":path", "/orchestrator.v1.Collective/Pull", "200", "12")]
    [InlineData(":path", "/", "200", "12")]
    [InlineData(":method", "PUT", "405", "12")]
    [InlineData("content-type", "text/html", "415", "12")]
    [InlineData("orchestrator-run", "", "200", "3")]
    [InlineData("orchestrator-generation", "seven", "200", "3")]
    [InlineData("orchestrator-sender", "-1", "200", "3")]
    public void Call_ThatIsNotOurs_IsRefusedWithAStatus(string field, string value, string http, string grpc)
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        peer.Send(Frames.Headers(1, Frames.CallFields.Select(known => known.Name == field ? new HeaderField(field, value) : known)));
        var headers = peer.NextHeaders(out var ends);
        Assert.True(ends);
        Assert.Equal((http, grpc), (headers[":status"], headers["grpc-status"]));
        Assert.NotEmpty(PercentEncoding.Decode(headers["grpc-message"]));
    }

    [Fact]
    public void Headers_InManyPartsWithPriorityAndPadding_AreRead()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair);
        var block = HpackEncoder.Encode(Frames.CallFields);
        byte[] first = [3, 0x80, 0, 0, 7, 16, .. block[..10], 0, 0, 0];
        peer.Send(
            Frames.Of(FrameType.Priority, 0, 7, 0, 0, 0, 1, 9),
            Frames.Of((FrameType)0x55, 0xff, 9, 1, 2, 3),
            Frames.Of(FrameType.Headers, FrameFlags.Padded | FrameFlags.Priority, 1, first),
            Frames.Of(FrameType.Continuation, 0, 1),
            Frames.Of(FrameType.Continuation, 0, 1, block[10..20]),
            Frames.Of(FrameType.Continuation, FrameFlags.EndHeaders, 1, block[20..]),
            Frames.Data(1, Frames.Message(Frames.Segment(100)), FrameFlags.EndStream));
        Assert.Equal("0", peer.NextStatus());
        Assert.Equal(Payload.Expected(100, 0), pair.Receiver.Next().Payload);
    }

    [Fact]
    public void Answer_WithoutWindow_WaitsForIt()
    {
        using var pair = new Pair();
        using var peer = RawPeer.Open(pair, (4, 0));
        peer.Send(Frames.Call(), Frames.Data(1, Frames.Message(Frames.Segment(4)), FrameFlags.EndStream));
        Assert.Equal("200", peer.NextHeaders(out _)[":status"]);
        peer.Send(Frames.WindowUpdate(1, 3));
        Assert.Equal(3, peer.Next(FrameType.Data).Payload.Length);
        peer.Send(Frames.Settings((4, 100)));
        Assert.Equal(4, peer.Next(FrameType.Data).Payload.Length);
        Assert.Equal("0", peer.NextStatus());
    }
}
