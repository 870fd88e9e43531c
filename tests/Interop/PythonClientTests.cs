using System.Text.Json;

namespace Orchestrator.Interop.Tests;

/// <summary>grpcio calls our server.</summary>
public sealed class PythonClientTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Unary_WithMetadata_ComesBackInHeadersAndTrailers()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "unary");

        Assert.Equal("hello", seen.GetProperty("text").GetString());
        Assert.Equal("00ff", seen.GetProperty("payload").GetString());
        Assert.Equal("OK", seen.GetProperty("code").GetString());
        Assert.Equal("""[["x-head","plain text"],["x-head-bin","0001feff"]]""", Compact(seen.GetProperty("head")));
        Assert.Equal("""[["x-trail","plain text"],["x-trail-bin","0001feff"]]""", Compact(seen.GetProperty("trail")));
    }

    [Fact]
    public async Task ServerStream_Thousand_ComesInOrder()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "server_stream");

        Assert.Equal(Enumerable.Range(0, 1000), seen.GetProperty("indexes").EnumerateArray().Select(index => index.GetInt32()));
    }

    [Fact]
    public async Task ClientStream_Thousand_ArrivesInOrder()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "client_stream");

        Assert.Equal(1000, seen.GetProperty("count").GetInt32());
        Assert.Equal(string.Join(",", Enumerable.Range(0, 1000)), seen.GetProperty("text").GetString());
    }

    [Fact]
    public async Task Duplex_PingPong_AnswersEachBeforeTheNext()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "duplex");

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"m{i}"), Texts(seen));
    }

    [Fact]
    public async Task AllKinds_SixteenMebibytes_KeepTheirBytes()
    {
        await using var server = await OurServer.StartAsync(options => options.MaxReceiveMessageSize = null);

        var seen = await PythonPeer.CallAsync(server.Address, "large");

        var expected = seen.GetProperty("expected").GetString();
        Assert.Equal([expected, expected, expected, expected], seen.GetProperty("sha256").EnumerateArray().Select(hash => hash.GetString()));
        Assert.Equal(2, seen.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Deadline_Passes_BothSidesEnd()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "deadline");

        Assert.Equal("DEADLINE_EXCEEDED", seen.GetProperty("code").GetString());
        await server.Cancellations.First.WaitAsync(Limit);
    }

    [Fact]
    public async Task Cancellation_OfAStream_ReachesTheMethod()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "cancellation");

        Assert.Equal("one", seen.GetProperty("first").GetString());
        Assert.Equal("CANCELLED", seen.GetProperty("code").GetString());
        await server.Cancellations.First.WaitAsync(Limit);
    }

    [Fact]
    public async Task Status_WithDetails_ArrivesWhole()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "status");

        Assert.Equal("FAILED_PRECONDITION", seen.GetProperty("code").GetString());
        Assert.Equal(seen.GetProperty("expectedText").GetString(), seen.GetProperty("details").GetString());
        var trailers = seen.GetProperty("trailers");
        Assert.Equal(seen.GetProperty("expectedDetails").GetString(), trailers.GetProperty("grpc-status-details-bin").GetString());
        Assert.Equal("last", trailers.GetProperty("x-trail").GetString());
    }

    [Fact]
    public async Task Exception_OfTheMethod_IsUnknownWithoutItsText()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "exception");

        Assert.Equal("UNKNOWN", seen.GetProperty("code").GetString());
        Assert.DoesNotContain("shard", seen.GetProperty("details").GetString());
    }

    [Fact]
    public async Task UnknownMethodAndService_AreUnimplemented()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "unknown");

        Assert.Equal("UNIMPLEMENTED", seen.GetProperty("method").GetProperty("code").GetString());
        Assert.Equal("UNIMPLEMENTED", seen.GetProperty("service").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Message_OverTheLimit_IsResourceExhaustedAndTheConnectionLives()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "over_limit");

        Assert.Equal("RESOURCE_EXHAUSTED", seen.GetProperty("sent").GetProperty("code").GetString());
        Assert.Contains("exceeds the limit of 4194304 bytes", seen.GetProperty("sent").GetProperty("details").GetString());
        Assert.Equal("still here", seen.GetProperty("afterwards").GetString());
    }

    [Fact]
    public async Task Gzip_Request_IsUnderstood()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "gzip");

        Assert.Equal(100_000, seen.GetProperty("length").GetInt32());
    }

    [Fact]
    public async Task Unary_ManyAtOnce_AllComeBack()
    {
        await using var server = await OurServer.StartAsync();

        var seen = await PythonPeer.CallAsync(server.Address, "many");

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}"), Texts(seen));
    }

    private static IEnumerable<string?> Texts(JsonElement seen) => seen.GetProperty("texts").EnumerateArray().Select(text => text.GetString());

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);
}
