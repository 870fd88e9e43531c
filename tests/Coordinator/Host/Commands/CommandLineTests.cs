using System.CommandLine;
using Orchestrator.Coordinator.Host.Commands;

namespace Orchestrator.Coordinator.Tests.Commands;

public sealed class CommandLineTests
{
    /// <summary>Scripts rely on these names: they may be added to, never changed.</summary>
    [Fact]
    public void Verbs_AndOptions_KeepTheirNames() => Assert.Equal(
        [
            "certs init --format --host --out",
            "checkpoint export PATH --format --out",
            "checkpoint list PATH --format",
            "checkpoint verify PATH --format",
            "coordinator --advertise --host --http --insecure --keep-history --listen --root --runs --store --token-file",
            "drain WORKER --coordinator --undo",
            "logs RUN --coordinator --follow",
            "run JOB.yaml --format --max-restarts --nnodes --nproc-per-node --out --resume --set --stop-after --workers",
            "scale RUN N --coordinator --format",
            "status RUN --coordinator --format",
            "stop RUN --coordinator --format",
            "submit JOB.yaml --coordinator --detach --format --join-token --max-restarts --nnodes --nproc-per-node --out --resume --set --stop-after --workers",
            "wait RUN --coordinator --for --format --timeout",
            "workers --coordinator --format",
        ],
        Leaves(CommandLine.Create(), "").Order(StringComparer.Ordinal));

    [Fact]
    public void Verbs_All_HaveAnExampleThatParses()
    {
        var root = CommandLine.Create();
        foreach (var verb in Verbs(root))
        {
            Assert.NotEmpty(verb.Examples);
            Assert.All(verb.Examples, example => Assert.True(
                example.StartsWith("worker ", StringComparison.Ordinal) || root.Parse(example.Split(' ')).Errors.Count == 0, $"{verb.Name}: {example}"));
        }
    }

    [Theory]
    [InlineData("90", 90)]
    [InlineData("1.5", 1.5)]
    [InlineData("90s", 90)]
    [InlineData("15m", 900)]
    [InlineData("2h", 7200)]
    [InlineData("1d", 86_400)]
    [InlineData("100000d", 40 * 86_400)]
    public void Time_AsTyped_IsThatManySeconds(string typed, double seconds) => Assert.Equal(seconds, Durations.Read("--timeout", typed).TotalSeconds);

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("-1")]
    [InlineData("2 hours")]
    [InlineData("2w")]
    public void Time_ThatIsNone_IsToldWithExamples(string typed) =>
        Assert.Equal($"--timeout {typed}: a time is needed, such as 90s, 15m or 2h.", Assert.Throws<UsageException>(() => Durations.Read("--timeout", typed)).Message);

    private static IEnumerable<Verb> Verbs(Command command) =>
        [.. command is Verb verb ? new[] { verb } : [], .. command.Subcommands.SelectMany(Verbs)];

    private static IEnumerable<string> Leaves(Command command, string path) => command.Subcommands.Count > 0
        ? command.Subcommands.SelectMany(child => Leaves(child, $"{path}{child.Name} "))
        : [path + string.Join(' ', command.Arguments.Select(argument => argument.Name).Concat(command.Options.Select(option => option.Name).Order(StringComparer.Ordinal)))];
}
