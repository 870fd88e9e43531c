using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Orchestrator.Coordinator.Host.Jobs;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>Reads the JSON body of a request, which anybody may have written.</summary>
internal static class ApiBody
{
    /// <summary>A job of the largest size, and what stands around it.</summary>
    public const int MaxBytes = JobFile.MaxBytes + (16 * 1024);

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="ApiException">It is too long, not UTF-8, not JSON, or not of this shape.</exception>
    public static async Task<T> ReadAsync<T>(HttpRequest request, CancellationToken cancellation)
    {
        // A form of a foreign web page cannot send this type without being asked first.
        if (!request.HasJsonContentType())
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, $"The body's content type is '{request.ContentType}'; application/json is needed.");
        }

        var bytes = await ReadBytesAsync(request, cancellation).ConfigureAwait(false);
        try
        {
            _ = Strict.GetCharCount(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, $"The byte 0x{e.BytesUnknown?.FirstOrDefault() ?? 0:X2} at position {e.Index} of the body is not UTF-8. Send UTF-8.");
        }

        try
        {
            return JsonSerializer.Deserialize<T>(bytes, ApiJson.Options) ?? throw new ApiException(StatusCodes.Status400BadRequest, "The body is null; an object is needed.");
        }
        catch (JsonException e)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, $"The body is not the JSON that is needed here: {e.Message} GET {ApiRoutes.Description} describes it.");
        }
    }

    /// <summary>The body as it came, whatever it is.</summary>
    /// <exception cref="ApiException">It is too long.</exception>
    public static async Task<byte[]> ReadBytesAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > MaxBytes)
        {
            throw TooLong();
        }

        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        var block = new byte[16 * 1024];
        while (await request.Body.ReadAsync(block, cancellation).ConfigureAwait(false) is var count and > 0)
        {
            if (body.Length + count > MaxBytes)
            {
                throw TooLong();
            }

            body.Write(block, 0, count);
        }

        return body.ToArray();
    }

    private static ApiException TooLong() =>
        new(StatusCodes.Status413PayloadTooLarge, $"The body has more than {MaxBytes} bytes; a job file has a few thousand. Is it the right file?");
}
