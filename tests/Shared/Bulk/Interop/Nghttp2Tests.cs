namespace Orchestrator.Bulk.Tests.Interop;

/// <summary>nghttp2's tools call our server.</summary>
public sealed class Nghttp2Tests
{
    private static readonly string[] CallHeaders =
    [
        "-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "orchestrator-run: run-1", "-H", "orchestrator-generation: 7", "-H", "orchestrator-sender: 3",
    ];

    [Fact]
    public async Task Nghttp_PushesMessages_AndGetsItsSummary()
    {
        Tool.Need("nghttp", ["--version"], "nghttp2-client");
        using var pair = new Pair();
        using var body = new BodyFile([.. Frames.Message(Frames.Segment(100_000, 1)), .. Frames.Message(Frames.Segment(7, 2))]);
        var output = await Tool.Run("nghttp", ["-v", "--no-dep", .. CallHeaders, "-d", body.Path, $"http://{pair.Address}/orchestrator.v1.Collective/Push"]);
        Assert.Contains("grpc-status: 0", output, StringComparison.Ordinal);
        Assert.Equal(Payload.Expected(100_000, 1), pair.Receiver.Next().Payload);
        Assert.Equal(Payload.Expected(7, 2), pair.Receiver.Next().Payload);
    }

    [Fact]
    public async Task Nghttp_AsksForAPage_AndIsToldThatThisIsGrpc()
    {
        Tool.Need("nghttp", ["--version"], "nghttp2-client");
        using var pair = new Pair();
        var output = await Tool.Run("nghttp", "-v", $"http://{pair.Address}/");
        Assert.Contains(":status: 415", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task H2load_ThousandCallsOnManyStreams_AllSucceed()
    {
        Tool.Need("h2load", ["--version"], "nghttp2-client");
        using var sink = new Sink();
        using var pair = new Pair(resolver: (_, _) => ValueTask.FromResult<IBulkReceiver>(sink));
        using var body = new BodyFile([.. Frames.Message(Frames.Segment(20_000, 1)), .. Frames.Message(Frames.Segment(7, 2))]);
        var output = await Tool.Run("h2load", ["-n", "1000", "-c", "4", "-m", "16", .. CallHeaders, "-d", body.Path, $"http://{pair.Address}/orchestrator.v1.Collective/Push"]);
        Assert.Contains("1000 succeeded, 0 failed, 0 errored, 0 timeout", output, StringComparison.Ordinal);
        Assert.Equal((2000, 1000, 0), (sink.Messages, sink.Ends, sink.Losses));
    }

    /// <summary>Counts; many streams at once.</summary>
    private sealed class Sink : IBulkReceiver, IDisposable
    {
        private readonly Payload _place = new(1 << 20, 0);
        private int _messages;
        private int _ends;
        private int _losses;

        public int Messages => _messages;

        public int Ends => _ends;

        public int Losses => _losses;

        public PayloadPlace Reserve(in BulkHeader header) => new(_place.Address, _place.Bytes);

        public void Received(in BulkHeader header) => Interlocked.Increment(ref _messages);

        public void Ended(int sender, string? reason)
        {
            Interlocked.Increment(ref _ends);
            if (reason is not null)
            {
                Interlocked.Increment(ref _losses);
            }
        }

        public void Dispose() => _place.Dispose();
    }

    private sealed class BodyFile : IDisposable
    {
        public BodyFile(byte[] body)
        {
            Path = System.IO.Path.GetTempFileName();
            File.WriteAllBytes(Path, body);
        }

        public string Path { get; }

        public void Dispose() => File.Delete(Path);
    }
}
