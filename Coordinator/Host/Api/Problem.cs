using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>An error over HTTP, as RFC 9457 shapes it.</summary>
/// <param name="Type">Always about:blank: the status says the kind.</param>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What happened, with which values, and what to do.</param>
/// <param name="Errors">Everything that is wrong with a job, a sentence each; absent otherwise.</param>
public sealed record Problem(
    string Type, string Title, int Status, string Detail, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Errors)
{
    public const string ContentType = "application/problem+json";

    public static Problem Of(int status, string detail, IReadOnlyList<string>? errors = null) =>
        new("about:blank", ReasonPhrases.GetReasonPhrase(status), status, detail, errors);

    public static Task WriteAsync(HttpContext context, int status, string detail, IReadOnlyList<string>? errors = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = ContentType;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(JsonSerializer.Serialize(Of(status, detail, errors), ApiJson.Options), context.RequestAborted);
    }
}
