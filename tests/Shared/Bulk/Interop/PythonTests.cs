using System.Net;
using System.Security.Cryptography;
using System.Text.Json;

namespace Orchestrator.Bulk.Tests.Interop;

/// <summary>grpcio calls our server, and serves our link.</summary>
public sealed class PythonTests
{
    private static readonly int[] Sizes = [0, 4, 28, 4000, 262_148, 1, 3_000_000];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Grpcio_CallsOurServer_AndIsUnderstood(bool isUnix)
    {
        Tool.NeedPython();
        using var pair = new Pair(isUnix);
        var address = isUnix ? $"unix:{pair.Address}" : pair.Address.ToString()!;
        using var answer = JsonDocument.Parse(await Tool.Run("/usr/bin/python3", [Tool.PeerScript, "call", address, .. Sizes.Select(size => size.ToString())]));
        Assert.Equal("OK", answer.RootElement.GetProperty("code").GetString());
        Assert.Equal(Sizes.Length, answer.RootElement.GetProperty("segments").GetInt32());
        foreach (var sent in answer.RootElement.GetProperty("sent").EnumerateArray())
        {
            var message = pair.Receiver.Next();
            Assert.Equal(sent.GetProperty("header").EnumerateArray().Select(number => number.GetInt64()), Numbers(message.Header));
            Assert.Equal(sent.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(message.Payload)));
        }

        Assert.Null(await pair.Receiver.Ended.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task Grpcio_RefusedByOurServer_SeesStatusAndMessage()
    {
        Tool.NeedPython();
        using var pair = new Pair(resolver: (call, _) => throw new BulkRejectedException(BulkStatus.FailedPrecondition, $"generation {call.Generation} \u2713 is over"));
        using var answer = JsonDocument.Parse(await Tool.Run("/usr/bin/python3", Tool.PeerScript, "call", pair.Address.ToString()!, "1000000"));
        Assert.Equal("FAILED_PRECONDITION", answer.RootElement.GetProperty("code").GetString());
        Assert.Equal("generation 7 \u2713 is over", answer.RootElement.GetProperty("details").GetString());
    }

    [Fact]
    public async Task Grpcio_ServesOurLink_AndUnderstandsIt()
    {
        Tool.NeedPython();
        using var process = Tool.Start("/usr/bin/python3", Tool.PeerScript, "serve");
        var port = int.Parse((await process.StandardOutput.ReadLineAsync())!);
        var log = new LinkLog();
        var payloads = Sizes.Select((size, index) => new Payload(size, index)).ToArray();
        using (var link = BulkLink.Connect(new IPEndPoint(IPAddress.Loopback, port), Pair.Call, log))
        {
            for (var index = 0; index < payloads.Length; index++)
            {
                link.Send(Pair.Header(payloads[index].Bytes, index), payloads[index].Address);
            }

            Assert.Equal(payloads.Length, await link.Complete().WaitAsync(Wait.Limit));
        }

        process.StandardInput.Close();
        using var result = JsonDocument.Parse(await Tool.Finish(process));
        var seen = result.RootElement.GetProperty("seen").EnumerateArray().ToArray();
        Assert.Equal(payloads.Length, seen.Length);
        for (var index = 0; index < payloads.Length; index++)
        {
            Assert.Equal(Numbers(Pair.Header(0, index)), seen[index].GetProperty("header").EnumerateArray().Select(number => number.GetInt64()));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Payload.Expected(Sizes[index], index))), seen[index].GetProperty("sha256").GetString());
        }

        Assert.Equal("""[["orchestrator-run","run-1"],["orchestrator-generation","7"],["orchestrator-sender","3"]]""",
            result.RootElement.GetProperty("metadata").GetRawText().Replace(" ", "", StringComparison.Ordinal));
        Array.ForEach(payloads, payload => payload.Dispose());
    }

    [Fact]
    public async Task Grpcio_AbortsOurLink_AndItKnowsWhy()
    {
        Tool.NeedPython();
        using var process = Tool.Start("/usr/bin/python3", Tool.PeerScript, "serve");
        var port = int.Parse((await process.StandardOutput.ReadLineAsync())!);
        var log = new LinkLog();
        using var link = BulkLink.Connect(new IPEndPoint(IPAddress.Loopback, port), Pair.Call, log);
        link.Send(Pair.Header(0, 999), 0);
        Assert.Contains("Aborted: step 999 is over", await log.LostReason.WaitAsync(Wait.Limit), StringComparison.Ordinal);
        process.Kill();
    }

    [Fact]
    public async Task Grpcio_Killed_IsReported()
    {
        Tool.NeedPython();
        using var process = Tool.Start("/usr/bin/python3", Tool.PeerScript, "serve");
        var port = int.Parse((await process.StandardOutput.ReadLineAsync())!);
        var log = new LinkLog();
        using var link = BulkLink.Connect(new IPEndPoint(IPAddress.Loopback, port), Pair.Call, log);
        using var payload = new Payload(1_000_000, 1);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        link.Flush();
        process.Kill();
        // Without a word of the link's own pings: those come after seconds, and the reason says so.
        Assert.DoesNotContain("ping", await log.LostReason.WaitAsync(Wait.Limit), StringComparison.OrdinalIgnoreCase);
    }

    private static IEnumerable<long> Numbers(BulkHeader header) =>
    [
        header.Generation, header.Step, header.Sender, (long)header.Phase, header.NodeFirst, header.NodeLength, header.Offset, header.PreparedGeneration,
    ];
}
