using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests;

internal sealed record Frame(FrameType Type, byte Flags, int StreamId, byte[] Payload)
{
    public bool Ends => (Flags & FrameFlags.EndStream) != 0;

    public ErrorCode Code => (ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(Payload.AsSpan(Type == FrameType.GoAway ? 4 : 0));
}

/// <summary>A peer made of bytes: sends what it is told and reads frames.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly HpackDecoder _decoder = new(4096, 64 * 1024);

    public RawPeer(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true) { ReadTimeout = (int)Wait.Limit.TotalMilliseconds, WriteTimeout = (int)Wait.Limit.TotalMilliseconds };
    }

    public Socket Socket => _socket;

    /// <summary>Connects and says preface and settings.</summary>
    public static RawPeer Open(Pair pair, params (int Id, uint Value)[] settings)
    {
        var peer = Connect(pair.Address);
        peer.Send(Frames.Preface, Frames.Settings(settings));
        return peer;
    }

    public static RawPeer Connect(EndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, address is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp);
        socket.Connect(address);
        return new RawPeer(socket);
    }

    /// <summary>Sends; a peer that has hung up meanwhile is no error here.</summary>
    public void Send(params byte[][] frames)
    {
        try
        {
            _stream.Write(frames.SelectMany(frame => frame).ToArray());
        }
        catch (IOException)
        {
            // What it said before is what the test looks at.
        }
    }

    /// <summary>What a client says first.</summary>
    public void ReadPreface()
    {
        var preface = new byte[Frames.Preface.Length];
        Assert.True(TryFill(preface));
        Assert.Equal(Frames.Preface, preface);
    }

    /// <summary>The next frame; null: the end.</summary>
    public Frame? Read()
    {
        var head = new byte[FrameHeader.Bytes];
        if (!TryFill(head))
        {
            return null;
        }

        var header = FrameHeader.Read(head);
        var payload = new byte[header.Length];
        return TryFill(payload) ? new Frame(header.Type, header.Flags, header.StreamId, payload) : null;
    }

    /// <summary>The next frame of a type, past others.</summary>
    public Frame Next(FrameType type)
    {
        while (Read() is { } frame)
        {
            if (frame.Type == type)
            {
                return frame;
            }
        }

        throw new InvalidOperationException($"The connection ended before a {type} frame.");
    }

    /// <summary>The error of the GOAWAY that ends the connection.</summary>
    public ErrorCode NextGoAway() => Next(FrameType.GoAway).Code;

    public Dictionary<string, string> NextHeaders(out bool ends)
    {
        var frame = Next(FrameType.Headers);
        ends = frame.Ends;
        return _decoder.Decode(frame.Payload).ToDictionary(field => field.Name, field => field.Value);
    }

    /// <summary>Reads up to the trailers of a call: its gRPC status.</summary>
    public string NextStatus()
    {
        while (true)
        {
            var headers = NextHeaders(out var ends);
            if (ends)
            {
                return headers["grpc-status"];
            }
        }
    }

    public void Dispose() => _stream.Dispose();

    private bool TryFill(byte[] bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            int read;
            try
            {
                read = _stream.Read(bytes, at, bytes.Length - at);
            }
            catch (IOException error) when (error.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
            {
                return false;
            }

            if (read == 0)
            {
                return false;
            }

            at += read;
        }

        return true;
    }
}
