using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>How the API reads and writes JSON: camel case, nothing that is not known, no name twice.</summary>
internal static class ApiJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,

        // The job's own depth is checked with it; this bounds what stands around it.
        MaxDepth = Jobs.JobYaml.MaxDepth + 2,
    };
}
