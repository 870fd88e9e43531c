using System.Net;
using System.Net.Http.Headers;

namespace Grpc.StandIn.Tests;

/// <summary>An HTTP/2 client that knows nothing of gRPC, for what a well-behaved client never sends.</summary>
public sealed class RawClient(Uri address) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };

    public async Task<HttpResponseMessage> SendAsync(
        string path, byte[] body, IEnumerable<(string Name, string Value)>? headers = null, string contentType = "application/grpc", Version? version = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Version = version ?? HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        foreach (var (name, value) in headers ?? [])
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var response = await _client.SendAsync(request);
        await response.Content.LoadIntoBufferAsync();
        return response;
    }

    /// <summary>The grpc-status, from the headers or the trailers.</summary>
    public static async Task<string?> StatusAsync(HttpResponseMessage response)
    {
        await response.Content.LoadIntoBufferAsync();
        return response.Headers.TryGetValues("grpc-status", out var values) || response.TrailingHeaders.TryGetValues("grpc-status", out values)
            ? values.Single()
            : null;
    }

    public void Dispose() => _client.Dispose();
}
