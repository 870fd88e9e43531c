using System.Globalization;
using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Writes status and metadata as headers or trailers.</summary>
internal static class ResponseTrailers
{
    public static void WriteStatus(IHeaderDictionary destination, Status status)
    {
        destination[WireNames.Status] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        if (!string.IsNullOrEmpty(status.Detail))
        {
            destination[WireNames.Message] = PercentEncoding.Encode(status.Detail);
        }
    }

    /// <exception cref="WireException">HTTP does not take an entry.</exception>
    public static void WriteMetadata(IHeaderDictionary destination, Metadata metadata)
    {
        foreach (var entry in metadata)
        {
            if (!MetadataHeaders.IsReserved(entry.Key))
            {
                destination[entry.Key] = StringValues.Concat(destination[entry.Key], MetadataHeaders.ToHeaderValue(entry));
            }
        }
    }
}
