using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orchestrator.Core.Jobs;

/// <summary>The resolved job file as JSON: what the run folder keeps and what a worker is sent.</summary>
public static class JobSpecJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        AllowOutOfOrderMetadataProperties = true,
    };

    public static string Write(JobSpec job) => JsonSerializer.Serialize(job, Options);

    /// <exception cref="JsonException">The text is not a resolved job file.</exception>
    public static JobSpec Read(string json) =>
        JsonSerializer.Deserialize<JobSpec>(json, Options) ?? throw new JsonException("A resolved job file is a JSON object; this is null.");
}
