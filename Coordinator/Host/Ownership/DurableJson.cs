using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>What the store keeps of a run and of the pool as JSON: what was asked for, and what the next coordinator needs. Unknown names are passed over, so a newer program reads older rows.</summary>
internal static class DurableJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        IgnoreReadOnlyProperties = true,
        Converters = { new GenerationConverter(), new WorkerIdConverter(), new RunIdConverter(), new JsonStringEnumConverter() },
    };

    public static string Write(RunSnapshot snapshot) => JsonSerializer.Serialize(snapshot, Options);

    public static string Write(PoolSnapshot pool) => JsonSerializer.Serialize(pool, Options);

    public static string Write(RunOrder order) => JsonSerializer.Serialize(
        new StoredOrder(order.Id, JobSpecJson.Write(order.Job), order.RunDir, order.JobFile, order.StopAfter, order.ResumeFrom, order.ResumeFingerprint, order.JoinTokenSha256), Options);

    /// <exception cref="JsonException">The text is none of ours.</exception>
    public static RunSnapshot ReadSnapshot(string json) => JsonSerializer.Deserialize<RunSnapshot>(json, Options) ?? throw new JsonException("A run's snapshot is null.");

    /// <exception cref="JsonException">The text is none of ours.</exception>
    public static PoolSnapshot ReadPool(string json) => JsonSerializer.Deserialize<PoolSnapshot>(json, Options) ?? throw new JsonException("The pool's snapshot is null.");

    /// <exception cref="JsonException">The text is none of ours.</exception>
    public static RunOrder ReadOrder(string json)
    {
        var stored = JsonSerializer.Deserialize<StoredOrder>(json, Options) ?? throw new JsonException("A run's order is null.");
        return new RunOrder
        {
            Id = stored.Id, Job = JobSpecJson.Read(stored.Job), RunDir = stored.RunDir, JobFile = stored.JobFile, StopAfter = stored.StopAfter,
            ResumeFrom = stored.ResumeFrom, ResumeFingerprint = stored.ResumeFingerprint?.ToImmutableSortedDictionary(StringComparer.Ordinal),
            JoinTokenSha256 = stored.JoinTokenSha256,
        };
    }

    private sealed record StoredOrder(
        RunId Id, string Job, string RunDir, string JobFile, long? StopAfter, string? ResumeFrom, ImmutableSortedDictionary<string, string>? ResumeFingerprint,
        string? JoinTokenSha256 = null);

    private sealed class GenerationConverter : JsonConverter<Generation>
    {
        public override Generation Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt64());

        public override void Write(Utf8JsonWriter writer, Generation value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Number);
    }

    private sealed class WorkerIdConverter : JsonConverter<WorkerId>
    {
        public override WorkerId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, WorkerId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }

    private sealed class RunIdConverter : JsonConverter<RunId>
    {
        public override RunId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, RunId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
