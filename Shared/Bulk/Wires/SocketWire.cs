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
    private readonly TimeSpan _tick;
    private readonly bool _mostlySends;

    /// <param name="socket">Connected and blocking; owned from here on.</param>
    /// <param name="tick">How long a call may wait before it looks around.</param>
    /// <param name="mostlySends">
    /// Another thread sends much while one waits to receive. A thread that waits within a receive is woken whenever the other's sends find
    /// room again, thousands of times a second; one that waits within a poll for input is not.
    /// </param>
    public SocketWire(Socket socket, TimeSpan tick, bool mostlySends)
    {
        (_socket, _handle, _tick, _mostlySends) = (socket, socket.SafeHandle, tick, mostlySends);
        Peer = SocketSetup.Describe(socket);
        var milliseconds = (long)tick.TotalMilliseconds;
        Span<long> time = [milliseconds / 1000, milliseconds % 1000 * MicrosecondsPerMillisecond];
        socket.SetRawSocketOption(LinuxCalls.SocketLevel, LinuxCalls.ReceiveTimeoutOption, MemoryMarshal.AsBytes(time));
        socket.SetRawSocketOption(LinuxCalls.SocketLevel, LinuxCalls.SendTimeoutOption, MemoryMarshal.AsBytes(time));
    }

    public override string Peer { get; }

    public override bool BuffersEachSend => _socket.AddressFamily == AddressFamily.Unix;

    public override int Retransmissions
    {
        get
        {
            if (_socket.AddressFamily == AddressFamily.Unix)
            {
                return 0;
            }

            try
            {
                Span<byte> facts = stackalloc byte[LinuxCalls.TcpInfoRetransmits + 1];
                return _socket.GetRawSocketOption(LinuxCalls.TcpLevel, LinuxCalls.TcpInfoOption, facts) == facts.Length ? facts[LinuxCalls.TcpInfoRetransmits] : 0;
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // It is being closed, or the system does not say.
                return 0;
            }
        }
    }

    public override void Shutdown() => SocketSetup.Shutdown(_socket, SocketShutdown.Both);

    public override void FinishSending() => SocketSetup.Shutdown(_socket, SocketShutdown.Send);

    public override void Dispose() => _socket.Dispose();

    public override int? PeerProcess
    {
        get
        {
            if (_socket.AddressFamily != AddressFamily.Unix)
            {
                return null;
            }

            Span<int> credentials = stackalloc int[3];
            var bytes = _socket.GetRawSocketOption(LinuxCalls.SocketLevel, LinuxCalls.PeerCredentialsOption, MemoryMarshal.AsBytes(credentials));
            // 0: it is in a namespace of processes that this one does not see.
            return bytes >= sizeof(int) && credentials[0] > 0 ? credentials[0] : null;
        }
    }

    public override long TrySend(IoSlice* slices, int count)
    {
        var message = new LinuxCalls.MessageHeader { Slices = slices, SliceCount = (nuint)count };
        return Math.Max(0, LinuxCalls.SendMessage(_handle, &message, LinuxCalls.NoSignal | LinuxCalls.DoNotWait));
    }

    protected override int ReceiveSome(byte* first, int firstBytes, byte* second, int secondBytes)
    {
        if (_mostlySends && !WaitForInput())
        {
            return -1;
        }

        var slices = stackalloc IoSlice[2] { new(first, (nuint)firstBytes), new(second, (nuint)secondBytes) };
        var message = new LinuxCalls.MessageHeader { Slices = slices, SliceCount = secondBytes > 0 ? 2u : 1u };
        return (int)Result(LinuxCalls.ReceiveMessage(_handle, &message, _mostlySends ? LinuxCalls.DoNotWait : 0), "receiving", -1);
    }

    protected override long SendSome(IoSlice* slices, int count)
    {
        var message = new LinuxCalls.MessageHeader { Slices = slices, SliceCount = (nuint)count };
        return Result(LinuxCalls.SendMessage(_handle, &message, LinuxCalls.NoSignal), "sending", 0);
    }

    private bool WaitForInput()
    {
        var isHeld = false;
        try
        {
            _handle.DangerousAddRef(ref isHeld);
            var entry = new LinuxCalls.PollEntry { Descriptor = (int)_handle.DangerousGetHandle(), Wanted = LinuxCalls.Readable };
            return Result(LinuxCalls.Poll(&entry, 1, (int)_tick.TotalMilliseconds), "waiting", 0) > 0;
        }
        finally
        {
            if (isHeld)
            {
                _handle.DangerousRelease();
            }
        }
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
