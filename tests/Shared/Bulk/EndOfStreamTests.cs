using Orchestrator.Bulk.Server;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Tests;

/// <summary>Ends of a stream that come after the end of its connection.</summary>
public sealed class EndOfStreamTests
{
    [Fact]
    public void TryFinish_StreamThatItsConnectionHasDisposed_IsStillClaimed()
    {
        // A resolver that fails late rejects a stream whose connection has ended meanwhile and disposed of it.
        var stream = new PushStream(1, Pair.Call, new BulkServerOptions());
        stream.Dispose();
        Assert.True(stream.TryFinish());
        Assert.False(stream.TryFinish());
    }

    [Fact]
    public void Reject_WireThatIsClosed_ShutsTheConnectionDown()
    {
        // A receiver is released while its connection is closed: the answer meets a closed socket.
        using var wire = new ClosedWire();
        var reasons = new List<string>();
        var calls = new ServerCalls((_, _) => throw new InvalidOperationException(), new ServerWriter(wire), reasons.Add);
        using var stream = new PushStream(1, Pair.Call, new BulkServerOptions());
        calls.Refuse(stream, BulkStatus.Aborted, "the generation has ended");
        Assert.Contains("could not be answered", Assert.Single(reasons), StringComparison.Ordinal);
    }

    private sealed unsafe class ClosedWire : Wire
    {
        public override string Peer => "a peer";

        public override void Shutdown()
        {
        }

        public override void FinishSending()
        {
        }

        public override void Dispose()
        {
        }

        protected override int ReceiveSome(byte* first, int firstBytes, byte* second, int secondBytes) => 0;

        protected override long SendSome(IoSlice* slices, int count) => throw new ObjectDisposedException("SafeSocketHandle");
    }
}
