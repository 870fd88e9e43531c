using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Orchestrator.Bulk.Wires;

/// <summary>A wire over a socket with the kernel's own vectored calls.</summary>
internal sealed unsafe class SocketWire : Wire
{
    private const int MicrosecondsPerMillisecond = 1000;

    private readonly Socket _socket;
    private readonly SafeHandle _handle;

    /// <param name="socket">Connected and blocking; owned from here on.</param>
    /// <param name="tick">How long a call may wait before it looks around.</param>
    public SocketWire(Socket socket, TimeSpan tick)
    {
        (_socket, _handle) = (socket, socket.SafeHandle);
        Peer = SocketSetup.Describe(socket);
        var milliseconds = (long)tick.TotalMilliseconds;
        Span<long> time = [milliseconds / 1000, milliseconds % 1000 * MicrosecondsPerMillisecond];
        socket.SetRawSocketOption(LinuxCalls.SocketLevel, LinuxCalls.ReceiveTimeoutOption, MemoryMarshal.AsBytes(time));
        socket.SetRawSocketOption(LinuxCalls.SocketLevel, LinuxCalls.SendTimeoutOption, MemoryMarshal.AsBytes(time));
    }

    public override string Peer { get; }

    public override void Shutdown() => SocketSetup.Shutdown(_socket, SocketShutdown.Both);

    public override void FinishSending() => SocketSetup.Shutdown(_socket, SocketShutdown.Send);

    public override void Dispose() => _socket.Dispose();

    protected override int ReceiveSome(byte* first, int firstBytes, byte* second, int secondBytes)
    {
        var slices = stackalloc IoSlice[2] { new(first, (nuint)firstBytes), new(second, (nuint)secondBytes) };
        var message = new LinuxCalls.MessageHeader { Slices = slices, SliceCount = secondBytes > 0 ? 2u : 1u };
        return (int)Result(LinuxCalls.ReceiveMessage(_handle, &message, 0), "receiving", -1);
    }

    protected override long SendSome(IoSlice* slices, int count)
    {
        var message = new LinuxCalls.MessageHeader { Slices = slices, SliceCount = (nuint)count };
        return Result(LinuxCalls.SendMessage(_handle, &message, LinuxCalls.NoSignal), "sending", 0);
    }

    private static long Result(nint result, string doing, int none)
    {
        if (result >= 0)
        {
            return result;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is LinuxCalls.WouldBlock or LinuxCalls.Interrupted
            ? none
            : throw new IOException($"{doing} failed: {new Win32Exception(error).Message} (errno {error})");
    }
}
