using System.Net;
using System.Text;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Tests.Api;

/// <summary>Jobs that a stranger to the format sends: each is answered with what is wrong, and nothing is stored.</summary>
public sealed class BadInputTests
{
    private static readonly string Job = JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest, []));

    public static TheoryData<string, string, HttpStatusCode, string> Bodies => new()
    {
        { "no JSON", "job", HttpStatusCode.BadRequest, "is not the JSON that is needed here" },
        { "nothing", "", HttpStatusCode.BadRequest, "is not the JSON that is needed here" },
        { "null", "null", HttpStatusCode.BadRequest, "The body is null; an object is needed." },
        { "no job", "{}", HttpStatusCode.BadRequest, "job" },
        { "a key that is not known", $"{{\"job\":{Job},\"workers\":2}}", HttpStatusCode.BadRequest, "workers" },
        { "a name twice around the job", $"{{\"job\":{Job},\"out\":\"a\",\"out\":\"b\"}}", HttpStatusCode.BadRequest, "out" },
        { "a name twice in the job", $"{{\"job\":{Twice(Job)}}}", HttpStatusCode.BadRequest, "seed" },
        { "deep JSON", $"{{\"job\":{new string('[', 2000)}{new string(']', 2000)}}}", HttpStatusCode.BadRequest, "depth" },
        { "an unknown key in the job", $"{{\"job\":{Job[..^1]},\"wrokers\":{{}}}}}}", HttpStatusCode.BadRequest, "wrokers is not a key; did you mean 'workers'?" },
        { "a negative step", $"{{\"job\":{Job},\"stopAfter\":-1}}", HttpStatusCode.BadRequest, "stopAfter is -1; a step from 1 on is needed." },
        { "out above the runs", $"{{\"job\":{Job},\"out\":\"../elsewhere\"}}", HttpStatusCode.BadRequest, "out is '../elsewhere'; a path below the coordinator's folder of runs is needed" },
        { "out that is absolute", $"{{\"job\":{Job},\"out\":\"/tmp/elsewhere\"}}", HttpStatusCode.BadRequest, "out is '/tmp/elsewhere'" },
        { "out that is the runs", $"{{\"job\":{Job},\"out\":\".\"}}", HttpStatusCode.BadRequest, "out is '.'" },
        { "out that climbs", $"{{\"job\":{Job},\"out\":\"a/../../b\"}}", HttpStatusCode.BadRequest, "out is 'a/../../b'" },
        { "a relative checkpoint", $"{{\"job\":{Job},\"resumeFrom\":\"run/checkpoints\"}}", HttpStatusCode.BadRequest, "resumeFrom is 'run/checkpoints'; the absolute path" },
        { "too much", new string(' ', 10_000_000), HttpStatusCode.RequestEntityTooLarge, "The body has more than" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Submit_ABadBody_SaysWhatIsWrongAndStoresNothing(string what, string body, HttpStatusCode status, string sentence)
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);

        var answer = (await api.PostAsync("/api/v1/runs", body)).ExpectProblem(status);

        Assert.True(answer.Text.Contains(sentence, StringComparison.Ordinal), $"{what}: {answer.Text}");
        await ExpectNothingStoredAsync(coordinator, api);
    }

    [Fact]
    public async Task Submit_SeveralMistakes_AllAreTold()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);

        var answer = (await api.PostAsync("/api/v1/runs", """{"job":{"seed":-1,"workers":{"min":-2},"training":{"steps":-3,"globalBatch":0}}}""")).ExpectProblem(HttpStatusCode.BadRequest);

        foreach (var key in (string[])["seed is", "workers.min is", "training.steps is", "training.globalBatch is", "model is missing", "data is missing"])
        {
            Assert.Contains(answer.Errors, error => error.Contains(key, StringComparison.Ordinal));
        }

        await ExpectNothingStoredAsync(coordinator, api);
    }

    [Fact]
    public async Task Submit_BadUtf8_NamesTheByte()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);

        var answer = await api.PostAsync("/api/v1/runs", [.. "{\"job\":{\"name\":\""u8, 0xC3, 0x28, .. "\"}}"u8], "application/json");

        Assert.StartsWith("The byte 0xC3 at position 16 of the body is not UTF-8.", answer.ExpectProblem(HttpStatusCode.BadRequest).Detail, StringComparison.Ordinal);
        await ExpectNothingStoredAsync(coordinator, api);
    }

    [Fact]
    public async Task Submit_AFormOfAWebPage_IsRefused()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);

        (await api.PostAsync("/api/v1/runs", Encoding.UTF8.GetBytes($"{{\"job\":{Job}}}"), "text/plain")).ExpectProblem(HttpStatusCode.UnsupportedMediaType);

        await ExpectNothingStoredAsync(coordinator, api);
    }

    private static string Twice(string job) => $"{{\"seed\":1,{job.TrimStart()[1..]}";

    private static async Task ExpectNothingStoredAsync(CoordinatorFixture coordinator, ApiCaller api)
    {
        Assert.Equal("{\"runs\":[]}", (await api.GetAsync("/api/v1/runs")).Text);
        Assert.Empty(Directory.EnumerateFileSystemEntries(coordinator.Folder));
    }
}
