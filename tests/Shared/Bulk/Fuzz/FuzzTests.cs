using System.Diagnostics;
using Google.Protobuf;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Links;
using Orchestrator.Bulk.Messages;
using Orchestrator.Bulk.Server;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Bulk.Tests.Fuzz;

/// <summary>Spoiled traffic against every reader of it: no crash, no hang, no memory without bound, an error code of the protocol's.</summary>
/// <remarks>Each input is a function of its seed, which a failure names.</remarks>
public sealed class FuzzTests
{
    private const int Seeds = 5_000;
    private const int LongSeeds = 260_000;

    // A connection's own buffers and tables, twice; an input adds to it no more than so much for each of its bytes.
    private const long AllocatedBytes = 256 * 1024;
    private const long AllocatedBytesForEachByte = 256;

    // A thousand times what an input takes.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private static readonly BulkServerOptions Options = new()
    {
        Limits = new BulkLimits { MaxFrameBytes = 16_384, MaxMessageBytes = 100_000, MaxBufferedBytes = 20_000 },
    };

    [Fact]
    public void Server_SpoiledTraffic_StaysInBounds() => Run(0, Seeds, Server);

    [Fact]
    public void Link_SpoiledAnswers_StayInBounds() => Run(0, Seeds, Link);

    [Fact]
    public void Messages_Spoiled_AreReadAsProtobufReadsThem() => Run(0, Seeds, Messages);

    [Fact]
    public void Headers_Spoiled_AreRefusedOrRead() => Run(0, Seeds, Headers);

    [Fact]
    [Trait("Category", "Long")]
    public void All_AMillionInputs_StayInBounds() => Parallel.Invoke(
        () => Run(Seeds, LongSeeds, Server), () => Run(Seeds, LongSeeds, Link), () => Run(Seeds, LongSeeds, Messages), () => Run(Seeds, LongSeeds, Headers));

    private static void Run(int first, int count, Func<Random, int> test)
    {
        for (var seed = first; seed < first + count; seed++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var began = Stopwatch.GetTimestamp();
            int bytes;
            try
            {
                bytes = test(new Random(seed));
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"{test.Method.Name}, seed {seed}: {error.Message}", error);
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= AllocatedBytes + (bytes * AllocatedBytesForEachByte), $"{test.Method.Name}, seed {seed}: {bytes} bytes made us allocate {allocated}.");
            Assert.True(Stopwatch.GetElapsedTime(began) < Longest, $"{test.Method.Name}, seed {seed}: it took {Stopwatch.GetElapsedTime(began)}.");
        }
    }

    private static int Server(Random random)
    {
        var frames = Traffic.OfClient(random, calls: random.Next(1, 4));
        frames.Insert(0, Traffic.Settings(random));
        byte[] input = [.. Frames.Preface, .. Mutation.OfBytes(Mutation.OfFrames(frames, random), random)];
        var receivers = new List<FuzzReceiver>();
        using var wire = new MemoryWire(input, random);
        using var connection = new ServerConnection(wire, Options, (_, _) =>
        {
            switch (random.Next(8))
            {
                case 0:
                    throw new BulkRejectedException(BulkStatus.NotFound, "There is no such run.");
                case 1:
                    return new ValueTask<IBulkReceiver>(new TaskCompletionSource<IBulkReceiver>().Task);
                default:
                    receivers.Add(new FuzzReceiver());
                    return ValueTask.FromResult<IBulkReceiver>(receivers[^1]);
            }
        });
        connection.Serve();
        Assert.All(receivers, receiver => Assert.True(receiver.Objection is null && receiver.Ends == 1, receiver.Objection ?? $"the receiver was told {receiver.Ends} ends"));
        CheckAnswers(wire.Sent);
        return input.Length;
    }

    private static int Link(Random random)
    {
        var input = Mutation.OfBytes(Mutation.OfFrames(Traffic.OfServer(random), random), random);
        using var wire = new MemoryWire(input, random);
        using var sender = new LinkSender(wire, new LinkLog(), Options.Limits);
        var answers = 0;
        using var receiver = new LinkReceiver(wire, Options, sender) { Answered = () => answers++ };
        try
        {
            receiver.Run();
        }
        catch (Http2Exception error)
        {
            CheckCode(error.Code);
        }
        catch (IOException)
        {
            // Cut off within a frame.
        }

        Assert.True(receiver.Summary is null || answers > 0, "a summary came that nobody was told of");
        return input.Length;
    }

    private static int Messages(Random random)
    {
        var sound = Traffic.Message(random);
        var message = Mutation.OfBytes(sound, random);
        var sink = new FuzzReceiver();
        var reader = new SegmentReader(Options.Limits, new SinkOf(sink));
        var input = Frames.Prefixed(message);
        string? refusal = null;
        try
        {
            for (var at = 0; at < input.Length;)
            {
                var bytes = Math.Min(input.Length - at, random.Next(1, 64));
                reader.Read(input.AsSpan(at, bytes));
                at += bytes;
            }
        }
        catch (BulkRejectedException error)
        {
            refusal = error.Message;
        }

        Assert.Null(sink.Objection);
        if (refusal is null)
        {
            Compare(message, sink);
        }

        // Of spoiled messages ours may refuse more: Google.Protobuf cuts tags of more than 32 bits short, for one.
        Assert.True(refusal is null || !sound.AsSpan().SequenceEqual(message), $"refused ({refusal}): {Convert.ToHexString(message)}");
        return input.Length;
    }

    /// <summary>What ours takes, protobuf's own reader takes too, with the same values.</summary>
    private static void Compare(byte[] message, FuzzReceiver sink)
    {
        Segment expected;
        try
        {
            expected = Segment.Parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new InvalidOperationException($"taken, but protobuf says \"{error.Message}\" of {Convert.ToHexString(message)}", error);
        }

        var (header, payload) = Assert.Single(sink.Messages);
        Assert.Equal(
            (expected.Generation, expected.Step, expected.Sender, (int)expected.Phase, expected.NodeFirst, expected.NodeLength, expected.Offset, expected.PreparedGeneration),
            ((long)header.Generation, header.Step, header.Sender, (int)header.Phase, header.NodeFirst, header.NodeLength, header.Offset, header.PreparedGeneration));
        Assert.Equal(expected.Payload.ToByteArray(), payload);
    }

    private static int Headers(Random random)
    {
        var decoder = new HpackDecoder(Options.Limits.HeaderTableBytes, Options.Limits.MaxHeaderListBytes);
        var bytes = 0;
        for (var blocks = random.Next(1, 4); blocks > 0; blocks--)
        {
            var block = Mutation.OfBytes(HpackBlocks.Any(random), random);
            bytes += block.Length;
            try
            {
                var fields = decoder.Decode(block);
                Assert.True(fields.Sum(field => field.TableBytes) <= Options.Limits.MaxHeaderListBytes, "a list beyond its bound");
                Assert.InRange(decoder.TableBytes, 0, Options.Limits.HeaderTableBytes);
            }
            catch (Http2Exception error)
            {
                Assert.True(error.Code is ErrorCode.CompressionError or ErrorCode.EnhanceYourCalm, $"{error.Code}: {error.Message}");
                break;
            }
        }

        return bytes;
    }

    /// <summary>What we answered is HTTP/2 itself, and a connection is given up with a code that blames the peer.</summary>
    private static void CheckAnswers(IReadOnlyList<byte> sent)
    {
        byte[] bytes = [.. sent];
        for (var at = 0; at < bytes.Length;)
        {
            var frame = FrameHeader.Read(bytes.AsSpan(at, FrameHeader.Bytes));
            var payload = bytes.AsSpan(at + FrameHeader.Bytes, frame.Length);
            FrameRules.Check(frame, FrameHeader.DefaultLength);
            at += FrameHeader.Bytes + frame.Length;
            if (frame.Type == FrameType.GoAway)
            {
                CheckCode((ErrorCode)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(payload[4..]));
                Assert.Equal(bytes.Length, at);
            }
        }
    }

    private static void CheckCode(ErrorCode code) => Assert.True(
        code is ErrorCode.ProtocolError or ErrorCode.FlowControlError or ErrorCode.StreamClosed or ErrorCode.FrameSizeError or ErrorCode.CompressionError or ErrorCode.EnhanceYourCalm,
        $"The connection was given up with {code}.");

    private sealed class SinkOf(FuzzReceiver receiver) : ISegmentSink
    {
        public PayloadPlace Begin(in BulkHeader header) => receiver.Reserve(header);

        public void End(in BulkHeader header) => receiver.Received(header);
    }
}
