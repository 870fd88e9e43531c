using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Server;

namespace Orchestrator.Bulk.Tests.Fuzz;

/// <summary>Each rule broken once, anywhere in traffic that is in order otherwise: the connection ends with that rule's code.</summary>
public sealed class BrokenRuleTests
{
    private const int SeedsForEachRule = 200;
    private const int LongSeedsForEachRule = 4000;
    private const int MaxFrameBytes = 16_384;

    private static readonly BulkServerOptions Options = new() { Limits = new BulkLimits { MaxFrameBytes = MaxFrameBytes } };

    // Each may stand at any place behind the settings but within a header block.
    private static readonly (string Rule, ErrorCode Code, Func<Random, byte[]> Frame)[] Rules =
    [
        ("a ping of another length", ErrorCode.FrameSizeError, random => Frames.Of(FrameType.Ping, 0, 0, new byte[random.Next(8)])),
        ("settings of a broken length", ErrorCode.FrameSizeError, random => Frames.Of(FrameType.Settings, 0, 0, new byte[(6 * random.Next(4)) + random.Next(1, 6)])),
        ("a window update of another length", ErrorCode.FrameSizeError, random => Frames.Of(FrameType.WindowUpdate, 0, 0, new byte[random.Next(5, 20)])),
        ("a reset of another length", ErrorCode.FrameSizeError, random => Frames.Of(FrameType.ResetStream, 0, 1, new byte[random.Next(4)])),
        ("a frame beyond what was announced", ErrorCode.FrameSizeError, random => Frames.Of((FrameType)random.Next(256), 0, 1, new byte[MaxFrameBytes + random.Next(1, 100)])),
        ("settings on a stream", ErrorCode.ProtocolError, random => Frames.Of(FrameType.Settings, 0, random.Next(1, 9))),
        ("a ping on a stream", ErrorCode.ProtocolError, random => Frames.Of(FrameType.Ping, 0, random.Next(1, 9), new byte[8])),
        ("data on stream 0", ErrorCode.ProtocolError, random => Frames.Data(0, new byte[random.Next(20)])),
        ("data on a stream that nobody opened", ErrorCode.ProtocolError, random => Frames.Data(random.Next(50, 99), new byte[random.Next(20)])),
        ("headers on an even stream", ErrorCode.ProtocolError, random => Frames.Call(2 * random.Next(1, 50))),
        ("a continuation of nothing", ErrorCode.ProtocolError, random => Frames.Of(FrameType.Continuation, FrameFlags.EndHeaders, random.Next(1, 9), new byte[random.Next(9)])),
        ("a push promise", ErrorCode.ProtocolError, random => Frames.Of(FrameType.PushPromise, 0, random.Next(1, 9), new byte[random.Next(9)])),
        ("a window update of zero", ErrorCode.ProtocolError, _ => Frames.WindowUpdate(0, 0)),
        ("a maximal frame that is too small", ErrorCode.ProtocolError, random => Frames.Settings((5, (uint)random.Next(16_384)))),
        ("push neither on nor off", ErrorCode.ProtocolError, random => Frames.Settings((2, (uint)random.Next(2, 99)))),
        ("an initial window beyond 2^31 - 1", ErrorCode.FlowControlError, random => Frames.Settings((4, (uint)int.MaxValue + (uint)random.Next(1, 99)))),
        ("a window beyond 2^31 - 1", ErrorCode.FlowControlError, _ => Frames.WindowUpdate(0, int.MaxValue)),
        ("an index that no table has", ErrorCode.CompressionError, random => Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 101, 0xff, (byte)random.Next(100, 127))),
        ("a string cut off", ErrorCode.CompressionError, random => Frames.Of(FrameType.Headers, FrameFlags.EndHeaders, 101, 0x00, (byte)random.Next(2, 99), 0x61)),
        ("a frame within a header block", ErrorCode.ProtocolError, random => [.. Frames.Call(101, flags: 0), .. random.Next(2) == 0 ? Frames.Ping() : Frames.Data(101, [1])]),
    ];

    [Fact]
    public void Server_OneRuleBrokenInGoodTraffic_SaysWhich() => Run(SeedsForEachRule);

    [Fact]
    [Trait("Category", "Long")]
    public void Server_OneRuleBrokenInGoodTrafficManyTimes_SaysWhich() => Run(LongSeedsForEachRule);

    private static void Run(int seeds)
    {
        foreach (var (rule, code, frame) in Rules)
        {
            for (var seed = 0; seed < seeds; seed++)
            {
                var random = new Random(seed);
                var frames = Traffic.OfClient(random, calls: random.Next(1, 4));
                frames.Insert(Place(frames, random), frame(random));
                using var wire = new MemoryWire([.. Frames.Preface, .. Frames.Settings(), .. frames.SelectMany(bytes => bytes)], random);
                using var connection = new ServerConnection(wire, Options, (_, _) => ValueTask.FromResult<IBulkReceiver>(new FuzzReceiver()));
                var reason = connection.Serve();
                Assert.True(LastCode([.. wire.Sent]) == code, $"{rule}, seed {seed}: {LastCode([.. wire.Sent])} ({reason})");
            }
        }
    }

    /// <summary>Anywhere but between a HEADERS frame and its continuation.</summary>
    private static int Place(List<byte[]> frames, Random random)
    {
        int place;
        do
        {
            place = random.Next(frames.Count + 1);
        }
        while (place < frames.Count && FrameHeader.Read(frames[place]).Type == FrameType.Continuation);

        return place;
    }

    private static ErrorCode? LastCode(byte[] sent)
    {
        ErrorCode? code = null;
        for (var at = 0; at < sent.Length;)
        {
            var frame = FrameHeader.Read(sent.AsSpan(at));
            code = frame.Type == FrameType.GoAway ? (ErrorCode)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(sent.AsSpan(at + FrameHeader.Bytes + 4)) : code;
            at += FrameHeader.Bytes + frame.Length;
        }

        return code;
    }
}
