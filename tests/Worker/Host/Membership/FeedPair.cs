using System.Collections.Concurrent;
using System.Net;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Membership;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Tests.Membership;

/// <summary>A donor and a joiner in one process, with real streams between them.</summary>
internal sealed unsafe class FeedPair : IDisposable
{
    public const long FeedId = 7;

    private const string Run = "test";

    private static readonly FlatLayout Layout = new([("weights", [3_000_000])], (_, _) => false, []);

    private readonly CollectiveServer _donor = new(new IPEndPoint(IPAddress.Loopback, 0), _ => { });
    private readonly CollectiveServer _joiner = new(new IPEndPoint(IPAddress.Loopback, 0), _ => { });
    private readonly HeardAnswers _answers;

    public FeedPair(string transport)
    {
        Given = new ReducedBuffers(Layout, CPU, HostMemory.AllocatorFor(transport, CPU));
        Taken = new ReducedBuffers(Layout, CPU, HostMemory.AllocatorFor(transport, CPU));
        Sender = new VectorSender(
            new BulkCall(VectorPieces.FeedName(Run), FeedId, 0), _joiner.TcpEndPoint.ToString(), transport, Given, hasState: true, Heard.Lost, null, _donor.TcpEndPoint.ToString());
        _answers = new HeardAnswers(new TakenReceiver(Sender, Heard.Lost));
        _donor.Open(new RunId(VectorPieces.TakenName(Run)), new Generation(FeedId), _answers);
        Receiver = new VectorReceiver(Taken, StateBytes, Heard, VectorPieces.TakenName(Run));
        _joiner.Open(new RunId(VectorPieces.FeedName(Run)), new Generation(FeedId), Receiver);
    }

    /// <summary>More than one piece.</summary>
    public static int StateBytes => 9_000_000;

    public static int Elements => (int)Layout.ElementCount;

    public string DonorAddress => _donor.TcpEndPoint.ToString();

    public ReducedBuffers Given { get; }

    public ReducedBuffers Taken { get; }

    public VectorSender Sender { get; }

    public VectorReceiver Receiver { get; }

    public HeardEvents Heard { get; } = new();

    /// <summary>Steps of which the donor has been told that they are taken in.</summary>
    public BlockingCollection<long> Answers => _answers.Steps;

    /// <summary>To write to.</summary>
    public static Span<float> Of(ReducedBuffers buffers, long step) => new((void*)buffers.For(step).Memory.Address, Elements);

    /// <summary>What a step's gradient holds, as its update reads it.</summary>
    public static float[] Read(ReducedBuffers buffers, long step)
    {
        var buffer = buffers.Use(step);
        Assert.Equal(buffer.Memory.Address, TensorMemory.AddressOf(buffer.Flat.Whole));
        var read = new Span<float>((void*)buffer.Memory.Address, Elements).ToArray();
        buffers.Release(step);
        return read;
    }

    /// <summary>The state that has come; null: there is none any more.</summary>
    public byte[]? TakeState()
    {
        byte[]? state = null;
        Receiver.LoadState(address => state = Of(address).ToArray());
        return state;
    }

    public static Span<byte> Of(nint memory) => new((void*)memory, StateBytes);

    /// <summary>As the joiner does when it takes the feed no more.</summary>
    public void CloseReceiver()
    {
        Receiver.Stop();
        _joiner.Close(new RunId(VectorPieces.FeedName(Run)), new Generation(FeedId), Receiver, "The feed is over.");
        Receiver.Dispose();
    }

    public void Dispose()
    {
        Sender.DisposeAsync().AsTask().Wait();
        CloseReceiver();
        _donor.Dispose();
        _joiner.Dispose();
        Given.Dispose();
        Taken.Dispose();
    }

    private sealed class HeardAnswers(TakenReceiver inner) : IBulkReceiver
    {
        public BlockingCollection<long> Steps { get; } = [];

        public PayloadPlace Reserve(in BulkHeader header) => inner.Reserve(header);

        public void Received(in BulkHeader header)
        {
            inner.Received(header);
            Steps.Add(header.Step);
        }

        public void Ended(int sender, string? reason) => inner.Ended(sender, reason);
    }
}

/// <summary>What a receiver of vectors told, in order.</summary>
internal sealed class HeardEvents : IVectorEvents
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly BlockingCollection<string> _all = [];

    public string Next() => _all.TryTake(out var next, Limit) ? next : throw new TimeoutException($"Nothing was told within {Limit.TotalSeconds} s.");

    public void StateMoved(long bytes)
    {
    }

    public void StateArrived(long step) => _all.Add($"state {step}");

    public void GradientArrived(long step) => _all.Add($"gradient {step}");

    public void Told(LedgerEntry entry) => _all.Add($"told {entry.Step}");

    public void Ended(long step, Generation generation) => _all.Add($"end {step} {generation.Number}");

    public void Lost(string reason) => _all.Add($"lost {reason}");
}
