using System.CommandLine;
using Orchestrator.Coordinator.Host;
using Orchestrator.Coordinator.Host.Commands;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Tests.Commands;

public sealed class JobOptionsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("options-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private JobSpec Read(string line, bool isOneHost)
    {
        var (options, typed) = Parse(line);
        return options.Read(typed, isOneHost);
    }

    private (JobOptions Options, ParseResult Typed) Parse(string line)
    {
        var path = Path.Combine(_folder, "job.yaml");
        File.WriteAllText(path, JobText.Smallest);
        var options = new JobOptions();
        var command = new Command("verb");
        options.AddTo(command);
        return (options, command.Parse([path, .. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));
    }

    [Theory]
    [InlineData("", true, 1, 1, 64)]
    [InlineData("--workers 3", true, 1, 3, 64)]
    [InlineData("--nproc-per-node 4", true, 1, 4, 64)]
    [InlineData("--nproc_per_node=4", true, 1, 4, 64)]
    [InlineData("--nnodes 1 --nproc-per-node 2", true, 2, 2, 2)]
    [InlineData("--nnodes 1:4 --nproc-per-node 2", true, 2, 2, 8)]
    [InlineData("--nnodes 2:4", false, 2, 4, 4)]
    [InlineData("--nnodes 2:4 --nproc-per-node 8", false, 16, 32, 32)]
    [InlineData("--nnodes 1:4 --workers 3 --max-restarts 5", false, 1, 3, 4)]
    public void Read_SpellingsOfTorchrun_SetTheWorkers(string line, bool isOneHost, int min, int desired, int max)
    {
        var workers = Read(line, isOneHost).Workers;

        Assert.Equal((min, desired, max), (workers.Min, workers.Desired, workers.Max));
    }

    [Fact]
    public void Read_WorkersAboveMax_IsTheJobFilesError()
    {
        var error = Assert.Throws<UsageException>(() => Read("--set workers.max=2 --workers 3", isOneHost: true));

        Assert.Equal((ExitCodes.JobIsWrong, "--workers 3: workers.desired is 3 and workers.max is 2. Ask for 2 workers or fewer, or raise it: --set workers.max=3."), (error.ExitCode, error.Message));
    }

    [Fact]
    public void Read_NodesThatAreNone_IsAUsageError() =>
        Assert.Equal("--nnodes 4:2: N or MIN:MAX is needed, such as 1:4.", Assert.Throws<UsageException>(() => Read("--nnodes 4:2", isOneHost: false)).Message);

    [Theory]
    [InlineData("", null)]
    [InlineData("--restarts 0", 0)]
    [InlineData("--restarts 301", 301)]
    [InlineData("--max-restarts 3", 3)]
    [InlineData("--max_restarts=3", 3)]
    public void ReadRestarts_AnySpelling_IsTheNumber(string line, int? expected)
    {
        var (options, typed) = Parse(line);

        Assert.Empty(typed.Errors);
        Assert.Equal(expected, options.ReadRestarts(typed));
    }

    [Theory]
    [InlineData("--restarts -1", "--restarts -1: a number from 0 on is needed.")]
    [InlineData("--max-restarts -5", "--max-restarts -5: a number from 0 on is needed.")]
    public void ReadRestarts_BelowZero_IsAUsageErrorThatNamesWhatWasTyped(string line, string expected)
    {
        var (options, typed) = Parse(line);

        Assert.Equal(expected, Assert.Throws<UsageException>(() => options.ReadRestarts(typed)).Message);
    }
}
