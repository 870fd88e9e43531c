using System.Text.Json;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>A resolved job file, as a client submits it, to the same tree that YAML gives: one validator for both.</summary>
public static class JobJson
{
    /// <param name="json">What JobSpecJson.Write gave.</param>
    /// <param name="origin">What errors begin with.</param>
    /// <param name="errors">Takes what is wrong.</param>
    public static JobNode? Parse(string json, string origin, JobErrors errors)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = JobYaml.MaxDepth, AllowDuplicateProperties = false });
            return ToNode(document.RootElement, origin);
        }
        catch (JsonException e)
        {
            errors.Add(origin, $"This is not the JSON of a job: {e.Message}");
            return null;
        }
        catch (InvalidOperationException)
        {
            errors.Add(origin, "A text in the job holds half of a surrogate pair (an escape from \\ud800 to \\udfff that stands alone), which is no character. Write the character itself.");
            return null;
        }
    }

    private static JobNode ToNode(JsonElement element, string origin) => element.ValueKind switch
    {
        JsonValueKind.Object => new JobNode.Mapping(
            origin, [.. element.EnumerateObject().Select(p => new JobEntry(p.Name, origin, ToNode(p.Value, origin)))]),
        JsonValueKind.Array => new JobNode.Sequence(origin, [.. element.EnumerateArray().Select(item => ToNode(item, origin))]),
        JsonValueKind.String => new JobNode.Scalar(origin, element.GetString()!, IsQuoted: true),
        _ => new JobNode.Scalar(origin, element.GetRawText(), IsQuoted: false),
    };
}
