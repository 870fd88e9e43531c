using System.Collections.Immutable;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

public sealed class JobRootsTests
{
    private static readonly JobRoots Roots = new(["/data", "/home/team"]);

    private static readonly JobSpec Job = JobText.Read(JobText.Smallest, []);

    private static JobSpec Text(string projectRoot, params string[] paths) => Job with { ProjectRoot = projectRoot, Data = new TextDataSpec([.. paths]) };

    [Theory]
    [InlineData("/data", "**/*.md", true)]
    [InlineData("/home/team/project", "src/*.cs", true)]
    [InlineData("/elsewhere", "/data/corpus/*.txt", true)]
    [InlineData("/elsewhere", "*.txt", false)]
    [InlineData("/data", "/etc/passwd", false)]
    [InlineData("/data", "../etc/passwd", false)]
    [InlineData("/data", "**/../../etc/*", false)]
    [InlineData("/database", "*.txt", false)]
    public void Patterns_OfACorpus_StayInsideOrAreNamed(string projectRoot, string pattern, bool isAllowed) =>
        Assert.Equal(isAllowed, !Roots.WhyNot(Text(projectRoot, pattern), null, null).Any());

    [Fact]
    public void EveryPath_OfAJob_IsLookedAt()
    {
        var job = Job with
        {
            Data = new CsvDataSpec("/etc/table.csv", "y"), Checkpoint = Job.Checkpoint with { Dir = "/var/checkpoints" },
            Task = new TaskSpec("/tmp/model.dll", "Model", ImmutableSortedDictionary<string, string>.Empty),
        };

        Assert.Equal(
            ["task.assembly is '/tmp/model.dll'", "checkpoint.dir is '/var/checkpoints'", "data.path is '/etc/table.csv'", "resumeFrom is '/x'", "out is '/y'"],
            Roots.WhyNot(job, "/x", "/y").Select(sentence => sentence[..sentence.IndexOf(',')]));
        Assert.Equal(
            "data.dir is '/mnist', which is outside of what this coordinator allows: /data, /home/team. Use a path there, or have it started with another --root.",
            Assert.Single(Roots.WhyNot(Job with { Data = new IdxDataSpec("/mnist") }, null, "/home/team/runs/1")));
    }

    [Fact]
    public void NoRoots_AllowEveryPath() => Assert.Empty(JobRoots.Any.WhyNot(Text("/", "/etc/passwd"), "/x", "/y"));
}
