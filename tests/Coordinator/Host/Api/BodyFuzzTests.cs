using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Tests.Api;

/// <summary>Bodies that chance has made of good ones: each is answered with a problem or carried out whole, and the coordinator goes on.</summary>
public sealed class BodyFuzzTests(ITestOutputHelper output)
{
    private static readonly string[] Good =
    [
        $"{{\"job\":{JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest, []))},\"stopAfter\":3,\"out\":\"folder/run\"}}",
        $"{{\"job\":{JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Gpt, []))},\"resumeFrom\":\"/checkpoints/step-00000001\"}}",
    ];

    private static readonly string[] Odd =
    [
        "null", "true", "-1", "0", "1e308", "-9223372036854775808", "9223372036854775808", "0.5", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\"../../..\"", "\"/\"", "\"/etc/passwd\"", "\"a\\nb\"",
        "\"~\"", "[]", "{}", "[[]]", "{\"\":1}", "\"NaN\"", "\"\u00e9\\u0301\"", $"\"{new string('x', 5000)}\"", new string('[', 40) + new string(']', 40),
    ];

    [Fact]
    public Task Submit_BodiesOfChance_AreAnsweredAndTheCoordinatorGoesOn() => FuzzAsync(seed: 1, count: 600);

    [Fact]
    [Trait("Category", "Long")]
    public Task Submit_ManyBodiesOfChance_AreAnsweredAndTheCoordinatorGoesOn() => FuzzAsync(seed: 2, count: 30_000);

    private async Task FuzzAsync(int seed, int count)
    {
        var random = new Random(seed);
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);
        var seen = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var body = random.Next(3) == 0 ? Scramble(random) : Mutate(random);
            var newest = coordinator.Server.Actor.State.Runs.LastOrDefault()?.Id;
            var answer = await api.PostAsync("/api/v1/runs", body, "application/json");
            seen[$"{(int)answer.Status}"] = seen.GetValueOrDefault($"{(int)answer.Status}") + 1;
            if (answer.Status == HttpStatusCode.Created)
            {
                // What was taken is a run, in a folder of its own below the runs; stopped at once, it leaves the queue.
                var folder = answer.Json.GetProperty("runDir").GetString()!;
                Assert.True(folder.StartsWith(coordinator.Folder + "/", StringComparison.Ordinal) && Directory.Exists(folder), $"seed {seed}, body {i}: {folder}");
                await api.PostAsync($"{answer.Location}/stop");
                continue;
            }

            Assert.True(
                answer is { Status: >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError, ContentType: "application/problem+json" } && answer.Detail!.Length > 0,
                $"seed {seed}, body {i}: {(int)answer.Status} {answer.Text}\n{Encoding.UTF8.GetString(body)}");
            Assert.True(coordinator.Server.Actor.State.Runs.LastOrDefault()?.Id == newest, $"seed {seed}, body {i} was refused and stored.");
        }

        output.WriteLine(string.Join(", ", seen.Select(each => $"{each.Key}: {each.Value}")));
        Assert.False(coordinator.Server.Actor.Completion.IsCompleted);
        Assert.True(seen.ContainsKey("201") && seen.ContainsKey("400"), "Chance has made no body that is good, or none that is bad.");
    }

    /// <summary>Values, keys and whole branches changed: still JSON.</summary>
    private static byte[] Mutate(Random random)
    {
        var body = JsonNode.Parse(Good[random.Next(Good.Length)])!;
        var odd = "";
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var node = body;
            while (node is JsonObject or JsonArray && Children(node) is { Count: > 0 } children)
            {
                var child = children[random.Next(children.Count)];
                if (node[child] is JsonObject or JsonArray && random.Next(4) > 0)
                {
                    node = node[child]!;
                    continue;
                }

                odd = Change(random, node.AsObject(), child);
                break;
            }
        }

        return Encoding.UTF8.GetBytes(body.ToJsonString().Replace("\"@\"", odd, StringComparison.Ordinal));
    }

    private static List<string> Children(JsonNode node) => node is JsonObject group ? [.. group.Select(pair => pair.Key)] : [];

    /// <returns>What stands for "@", which the tree could not hold.</returns>
    private static string Change(Random random, JsonObject group, string key)
    {
        switch (random.Next(4))
        {
            case 0:
                group.Remove(key);
                break;
            case 1:
                group[$"{key}{random.Next(10).ToString(CultureInfo.InvariantCulture)}"] = 1;
                break;
            default:
                group[key] = "@";
                break;
        }

        return Odd[random.Next(Odd.Length)];
    }

    /// <summary>Bytes changed, taken out and put in: rarely JSON, often not even UTF-8.</summary>
    private static byte[] Scramble(Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(Good[random.Next(Good.Length)]).ToList();
        for (var changes = random.Next(1, 6); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(3))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 50), bytes.Count - at - 1));
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count / 2), random.Next(1, bytes.Count / 2)));
                    break;
            }
        }

        return [.. bytes];
    }
}
