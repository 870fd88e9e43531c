using System.Net.Sockets;

namespace Orchestrator.Bulk.Wires;

/// <summary>A wire over a socket with .NET's calls only, for systems whose structures we do not know.</summary>
internal sealed unsafe class PortableWire : Wire
{
    private readonly Socket _socket;

    /// <param name="socket">Connected and blocking; owned from here on.</param>
    /// <param name="tick">How long a call may wait before it looks around.</param>
    public PortableWire(Socket socket, TimeSpan tick)
    {
        _socket = socket;
        Peer = SocketSetup.Describe(socket);
        socket.ReceiveTimeout = socket.SendTimeout = (int)tick.TotalMilliseconds;
    }

    public override string Peer { get; }

    public override void Shutdown() => SocketSetup.Shutdown(_socket, SocketShutdown.Both);

    public override void FinishSending() => SocketSetup.Shutdown(_socket, SocketShutdown.Send);

    public override void Dispose() => _socket.Dispose();

    protected override int ReceiveSome(byte* first, int firstBytes, byte* second, int secondBytes)
    {
        var received = _socket.Receive(new Span<byte>(first, firstBytes), SocketFlags.None, out var error);
        return Result(received, error, "receiving", -1);
    }

    protected override long SendSome(IoSlice* slices, int count)
    {
        var sent = _socket.Send(new ReadOnlySpan<byte>(slices->Address, (int)slices->Bytes), SocketFlags.None, out var error);
        return Result(sent, error, "sending", 0);
    }

    private static int Result(int result, SocketError error, string doing, int none) => error switch
    {
        SocketError.Success => result,
        SocketError.WouldBlock or SocketError.TimedOut or SocketError.Interrupted => none,
        _ => throw new IOException($"{doing} failed: {error}"),
    };
}
