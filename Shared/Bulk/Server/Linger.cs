using System.Text;
using Orchestrator.Bulk.Connections;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Server;

/// <summary>Ends a connection so that the peer reads why: a close with unread bytes would make the kernel throw the last words away.</summary>
internal static class Linger
{
    private const int MaxDebugBytes = 512;
    private const int MaxDrainedBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    public static unsafe void SayGoodbye(Wire wire, ServerWriter writer, int lastStreamId, Http2Exception fault)
    {
        try
        {
            var debug = Encoding.UTF8.GetBytes(fault.Message);
            Span<byte> frame = stackalloc byte[ControlFrames.GoAwayBytes + MaxDebugBytes];
            var bytes = ControlFrames.WriteGoAway(frame, lastStreamId, fault.Code, debug.AsSpan(0, Math.Min(debug.Length, MaxDebugBytes)));
            writer.Control(frame[..bytes]);
            wire.FinishSending();

            var began = Environment.TickCount64;
            wire.Quiet = wire.Shutdown;
            var drained = 0L;
            var scratch = stackalloc byte[16 * 1024];
            int received;
            while (drained < MaxDrainedBytes && Environment.TickCount64 - began < Longest.TotalMilliseconds
                && (received = wire.Receive(scratch, 16 * 1024)) > 0)
            {
                drained += received;
            }
        }
        catch (IOException)
        {
            // The peer does not wait for it.
        }
    }
}
