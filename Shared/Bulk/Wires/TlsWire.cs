using System.Net.Security;
using System.Security.Authentication;

namespace Orchestrator.Bulk.Wires;

/// <summary>TLS over another wire. Costs a copy and the encryption, so it is for networks that are not trusted.</summary>
internal sealed unsafe class TlsWire : Wire
{
    private readonly Wire _inner;
    private readonly SslStream _tls;

    private TlsWire(Wire inner)
    {
        _inner = inner;
        _tls = new SslStream(new WireStream(inner), leaveInnerStreamOpen: true);
        SendPatience = inner.SendPatience;
    }

    public override string Peer => _inner.Peer;

    public override int Retransmissions => _inner.Retransmissions;

    /// <summary>Speaks HTTP/2 by ALPN, unless the options name protocols themselves: RFC 9113, section 3.2, asks for it and gRPC's libraries insist.</summary>
    /// <exception cref="IOException">The handshake failed.</exception>
    public static TlsWire Accept(Wire inner, SslServerAuthenticationOptions options, TimeSpan patience)
    {
        options.ApplicationProtocols ??= [SslApplicationProtocol.Http2];
        var wire = new TlsWire(inner);
        Handshake(inner, patience, () => wire._tls.AuthenticateAsServer(options));
        return wire;
    }

    /// <summary>As <see cref="Accept"/>.</summary>
    /// <exception cref="IOException">The handshake failed.</exception>
    public static TlsWire Connect(Wire inner, SslClientAuthenticationOptions options, TimeSpan patience)
    {
        options.ApplicationProtocols ??= [SslApplicationProtocol.Http2];
        var wire = new TlsWire(inner);
        Handshake(inner, patience, () => wire._tls.AuthenticateAsClient(options));
        return wire;
    }

    public override void Shutdown() => _inner.Shutdown();

    public override void FinishSending() => _inner.FinishSending();

    public override void Dispose()
    {
        _tls.Dispose();
        _inner.Dispose();
    }

    protected override int ReceiveSome(byte* first, int firstBytes, byte* second, int secondBytes)
    {
        // The wire below ticks while it waits.
        _inner.Quiet = Quiet;
        return Translate(() => _tls.Read(new Span<byte>(first, firstBytes)));
    }

    protected override long SendSome(IoSlice* slices, int count) => Translate(() =>
    {
        _tls.Write(new ReadOnlySpan<byte>(slices->Address, checked((int)slices->Bytes)));
        return (int)slices->Bytes;
    });

    private static void Handshake(Wire inner, TimeSpan patience, Action handshake)
    {
        var began = Environment.TickCount64;
        inner.Quiet = () =>
        {
            if (Environment.TickCount64 - began > patience.TotalMilliseconds)
            {
                inner.Shutdown();
            }
        };
        try
        {
            handshake();
        }
        catch (AuthenticationException error)
        {
            throw new IOException($"the TLS handshake with {inner.Peer} failed: {error.Message}", error);
        }
    }

    private static int Translate(Func<int> call)
    {
        try
        {
            return call();
        }
        catch (Exception error) when (error is InvalidOperationException or AuthenticationException)
        {
            throw new IOException($"TLS failed: {error.Message}", error);
        }
    }
}
