using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Grpc.StandIn.Tests;

/// <summary>A server that speaks just enough HTTP/2 to note what a client puts on the wire. It answers no request.</summary>
public sealed class FrameRecorder : IAsyncDisposable
{
    private const int PrefaceBytes = 24;
    private const int FrameHeaderBytes = 9;
    private const byte Data = 0x0;
    private const byte ResetStream = 0x3;
    private const byte Settings = 0x4;
    private const byte Ping = 0x6;
    private const byte Acknowledge = 0x1;
    private const byte EndStream = 0x1;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly System.Threading.Channels.Channel<(int Stream, string What)> _ends =
        System.Threading.Channels.Channel.CreateUnbounded<(int, string)>();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public FrameRecorder()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>The next end of a stream: "END_STREAM", or "RST_STREAM" with its error code.</summary>
    public async Task<(int Stream, string What)> NextEndAsync() => await _ends.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            var stream = client.GetStream();
            await stream.ReadExactlyAsync(new byte[PrefaceBytes], _stop.Token);
            await stream.WriteAsync(Frame(Settings, 0, []), _stop.Token);
            var header = new byte[FrameHeaderBytes];
            while (true)
            {
                await stream.ReadExactlyAsync(header, _stop.Token);
                var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header) >> 8];
                await stream.ReadExactlyAsync(payload, _stop.Token);
                var (type, flags, id) = (header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)));
                if (type is Settings or Ping && (flags & Acknowledge) == 0)
                {
                    await stream.WriteAsync(Frame(type, Acknowledge, type == Ping ? payload : []), _stop.Token);
                }
                else if (type == ResetStream)
                {
                    _ends.Writer.TryWrite((id, $"RST_STREAM {BinaryPrimitives.ReadInt32BigEndian(payload)}"));
                }
                else if (type == Data && (flags & EndStream) != 0)
                {
                    _ends.Writer.TryWrite((id, "END_STREAM"));
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException)
        {
            _ends.Writer.TryComplete();
        }
    }

    private static byte[] Frame(byte type, byte flags, byte[] payload) =>
        [0, 0, (byte)payload.Length, type, flags, 0, 0, 0, 0, .. payload];
}
