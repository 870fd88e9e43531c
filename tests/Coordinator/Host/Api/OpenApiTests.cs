using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Api;
using Orchestrator.Coordinator.Host.Commands;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Tests.Api;

/// <summary>openapi.json is kept by hand: it says what the routes, the rules and the answers are, field by field.</summary>
public sealed class OpenApiTests
{
    [Fact]
    public async Task Document_PathsAndRoles_AreThoseOfTheRunningServer()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var document = JsonDocument.Parse(await coordinator.GetAsync("/openapi.json"));

        var described = document.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => (Key: $"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value)))
            .ToDictionary(operation => operation.Key, operation => operation.Value);

        var served = coordinator.Server.Routes.Cast<RouteEndpoint>().SelectMany(RouteKey.Of).Where(key => !key.Contains("orchestrator.v1", StringComparison.Ordinal) && !key.Contains("{grpc", StringComparison.Ordinal));
        Assert.Equal(served.Order(StringComparer.Ordinal), described.Keys.Order(StringComparer.Ordinal));
        Assert.All(described, operation => Assert.Equal(
            RouteRules.All[operation.Key] == AccessNeed.Nothing ? "Needs no token." : $"Needs {RouteRules.All[operation.Key].Describe()}.", operation.Value.GetProperty("description").GetString()));
        Assert.All(described, operation => Assert.Equal(operation.Key.Contains("{id}", StringComparison.Ordinal),
            operation.Value.TryGetProperty("parameters", out var parameters) && parameters.EnumerateArray().Any(parameter => parameter.GetProperty("in").GetString() == "path")));
        Assert.Equal(described.Count, described.Values.Select(operation => operation.GetProperty("operationId").GetString()).Distinct().Count());
        foreach (var reference in document.RootElement.GetRawText().Split("\"$ref\": \"#/components/schemas/")[1..].Select(rest => rest[..rest.IndexOf('"')]))
        {
            Assert.True(document.RootElement.GetProperty("components").GetProperty("schemas").TryGetProperty(reference, out _), reference);
        }
    }

    [Fact]
    public async Task Document_Schemas_AreTheFieldsOfTheAnswersInTheirOrder()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync("training.steps=200");
        await worker.TakeStepsAsync(await worker.GetReadyAsync(), 12);
        await worker.SaveAsync(new Generation(1), 12);
        await coordinator.WaitForStepAsync(run.RunId, 12);
        await coordinator.WaitForCheckpointAsync(run.RunId);
        using var document = JsonDocument.Parse(await coordinator.GetAsync("/openapi.json"));
        var schemas = document.RootElement.GetProperty("components").GetProperty("schemas");

        Check("Run", (await api.GetAsync($"/api/v1/runs/{run.RunId}")).Json);
        Check("Run", JsonDocument.Parse(StatusJson.Of(new RunStatus())).RootElement);
        Check("Worker", (await api.GetAsync("/api/v1/workers")).Json.GetProperty("workers")[0]);
        Check("Step", (await api.GetAsync($"/api/v1/runs/{run.RunId}/steps")).Json.GetProperty("steps")[11]);
        Check("Drained", (await api.PostAsync("/api/v1/workers/w-1/drain")).Json);
        Check("Problem", (await api.PostAsync("/api/v1/runs", "{\"job\":{}}")).Json);
        foreach (var (name, type) in new[] { ("Submit", typeof(SubmitBody)), ("Scale", typeof(ScaleBody)) })
        {
            Assert.Equal(Names(name), type.GetConstructors(BindingFlags.Public | BindingFlags.Instance).OrderByDescending(made => made.GetParameters().Length).First().GetParameters()
                .Select(parameter => JsonNamingPolicy.CamelCase.ConvertName(parameter.Name!)));
        }

        IEnumerable<string> Names(string schema) => schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(property => property.Name);

        void Check(string schema, JsonElement answer)
        {
            Assert.Equal(Names(schema), answer.EnumerateObject().Select(property => property.Name));
            Assert.All(answer.EnumerateObject(), field =>
            {
                var type = schemas.GetProperty(schema).GetProperty("properties").GetProperty(field.Name).GetProperty("type");
                var allowed = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(item => item.GetString()!) : [type.GetString()!];
                Assert.True(allowed.Any(one => Fits(one, field.Value)), $"{schema}.{field.Name} is {field.Value.GetRawText()}, and the document says {type}.");
            });
        }
    }

    private static bool Fits(string type, JsonElement value) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "array" => value.ValueKind == JsonValueKind.Array,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => false,
    };
}
