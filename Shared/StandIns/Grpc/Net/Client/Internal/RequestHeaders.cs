using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>Puts metadata on a request.</summary>
internal static class RequestHeaders
{
    /// <exception cref="WireException">HTTP does not take an entry.</exception>
    public static void Add(HttpRequestMessage request, Metadata? metadata)
    {
        if (metadata is null)
        {
            return;
        }

        foreach (var entry in metadata)
        {
            if (MetadataHeaders.IsReserved(entry.Key))
            {
                continue;
            }

            // The handler joins the values of one name with ", ", which no base64 reader takes: join binary values here.
            var value = MetadataHeaders.ToHeaderValue(entry);
            if (entry.IsBinary && request.Headers.NonValidated.TryGetValues(entry.Key, out var former))
            {
                value = former + "," + value;
                request.Headers.Remove(entry.Key);
            }

            if (entry.Key == "user-agent")
            {
                request.Headers.Remove(entry.Key);
            }

            if (!request.Headers.TryAddWithoutValidation(entry.Key, value)
                && request.Content?.Headers.TryAddWithoutValidation(entry.Key, value) != true)
            {
                throw new WireException(StatusCode.Internal, $"HTTP does not take the metadata entry '{entry.Key}' with the value '{value}'. Rename or change it.");
            }
        }
    }
}
