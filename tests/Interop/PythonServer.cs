using System.Diagnostics;
using System.Runtime.InteropServices;
using Grpc.Net.Client;
using Orchestrator.Interop.Tests.V1;

namespace Orchestrator.Interop.Tests;

/// <summary>service.py in its own process, and a channel of ours to it.</summary>
internal sealed partial class PythonServer : IAsyncDisposable
{
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly Process _process;

    private PythonServer(Process process, Uri address, GrpcChannel channel)
    {
        _process = process;
        Address = address;
        Channel = channel;
        Client = new Peer.PeerClient(channel);
    }

    public Uri Address { get; }

    public GrpcChannel Channel { get; }

    public Peer.PeerClient Client { get; }

    public static async Task<PythonServer> StartAsync(GrpcChannelOptions? options = null, params string[] arguments)
    {
        PythonPeer.SkipUnlessInstalled();
        var process = PythonPeer.Start("service.py", arguments);
        var line = await process.StandardOutput.ReadLineAsync();
        if (!int.TryParse(line, out var port))
        {
            Assert.Fail($"service.py printed '{line}' instead of its port: {await process.StandardError.ReadToEndAsync()}");
        }

        var address = new Uri($"http://127.0.0.1:{port}");
        return new PythonServer(process, address, GrpcChannel.ForAddress(address, options ?? new GrpcChannelOptions()));
    }

    public void Kill() => _process.Kill();

    /// <summary>Stops the process without ending it: it keeps its connections and answers nothing.</summary>
    public void Freeze() => Signal(SigStop);

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        if (!_process.HasExited)
        {
            Signal(SigCont);
            _process.StandardInput.Close();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
            }
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);

    private void Signal(int signal) => Assert.Equal(0, SendSignal(_process.Id, signal));
}
