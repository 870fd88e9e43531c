using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Tests;

/// <summary>Real worker processes that change their generation while they train, as a scripted coordinator orders.</summary>
public sealed class GenerationChangeTests : IDisposable
{
    private const int LogicalRanks = 8;
    private const int Steps = 120;
    private static readonly Generation First = new(1);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("generation-tests-");

    [Fact]
    public async Task OneOfThreeIsKilled_TheOthersGoOnAndEndWithTheQuietHash()
    {
        var quiet = await QuietHash();
        await using var coordinator = await TrainAsync(workers: 3, untilStep: 5);
        coordinator.Kill(Id(2));
        await ChangeAfterFailure(coordinator, First.Next, [Id(1), Id(3)]);
        Assert.Equal([quiet, quiet], await Finished(coordinator, 2));

        // Each is asked what the other told it of the last step: together they know every rank.
        coordinator.Tell(Id(1), new CoordinatorMessage.ReportLedger(First.Next, Steps));
        coordinator.Tell(Id(3), new CoordinatorMessage.ReportLedger(First.Next, Steps));
        var (one, other) = (await coordinator.Next<WorkerMessage.Fed>(), await coordinator.Next<WorkerMessage.Fed>());
        Assert.Equal(Enumerable.Range(0, LogicalRanks), one.Ledger.Concat(other.Ledger).Where(entry => entry.Step == Steps).Select(entry => entry.LogicalRank).Order());
    }

    [Fact]
    public async Task AWorkerJoinsAndAnotherLeavesWhileTheOthersTrainOn_AllEndWithTheQuietHash()
    {
        var quiet = await QuietHash();
        await using var coordinator = await TrainAsync(workers: 2, untilStep: 3);
        var joiner = await JoinAsync(coordinator, 7, Id(2));
        await coordinator.Next<WorkerMessage.Followed>();

        // The donor stays, the other one leaves.
        var change = new CoordinatorMessage.Switch(First.Next, Members(coordinator, [Id(2), joiner]), Steps, Steps, "w-1 leaves, w-3 joins");
        coordinator.Tell(change);
        var left = await coordinator.NextFrom<WorkerMessage.Left>();
        Assert.Equal((Id(1), First.Next), (left.Worker, left.Message.Generation));

        // The last step that the joiner only followed: when it is in, it knows what was fed to all of its ranks.
        while ((await coordinator.NextFrom<WorkerMessage.Entered>()).Worker != joiner)
        {
        }

        coordinator.Tell(joiner, new CoordinatorMessage.ReportLedger(First.Next, left.Message.Step));
        var fed = await coordinator.Next<WorkerMessage.Fed>();
        Assert.Equal(Enumerable.Range(0, LogicalRanks), fed.Ledger.Where(entry => entry.Step == left.Message.Step).Select(entry => entry.LogicalRank));
        Assert.Equal([quiet, quiet], await Finished(coordinator, 2));
    }

    [Fact]
    public async Task TheDonorIsKilledWhileAWorkerFollowsIt_AnotherFeedsAndAllEndWithTheQuietHash()
    {
        var quiet = await QuietHash();
        await using var coordinator = await TrainAsync(workers: 2, untilStep: 3);
        var joiner = await JoinAsync(coordinator, 7, Id(2));
        await coordinator.Next<WorkerMessage.Followed>(followed => followed.Step > 0);
        coordinator.Kill(Id(2));
        await coordinator.Next<WorkerMessage.FeedBroken>(broken => broken.FeedId == 7);
        await ChangeAfterFailure(coordinator, First.Next, [Id(1)]);
        Follow(coordinator, joiner, 8, Id(1));
        await coordinator.Next<WorkerMessage.Followed>(followed => followed.FeedId == 8 && followed.Step > 0);
        coordinator.Tell(new CoordinatorMessage.Switch(First.Next.Next, Members(coordinator, [Id(1), joiner]), Steps, Steps, "w-3 joins"));
        Assert.Equal([quiet, quiet], await Finished(coordinator, 2));
    }

    [Fact]
    public async Task AJoinerFreezesWhileItFollows_TheMembersTrainOnToTheQuietHash()
    {
        var quiet = await QuietHash();
        await using var coordinator = await TrainAsync(workers: 2, untilStep: 3);
        var joiner = await JoinAsync(coordinator, 7, Id(2));
        await coordinator.Next<WorkerMessage.Followed>(followed => followed.Step > 0);
        coordinator.SetFrozen(joiner, isFrozen: true);
        Assert.Equal([quiet, quiet], await Finished(coordinator, 2));

        // When it thaws it finds what waited for it, or hears that it was given up, as it is after seconds without a sign of life.
        coordinator.SetFrozen(joiner, isFrozen: false);
        await coordinator.Next<WorkerMessage>(message => message is WorkerMessage.Followed { Step: Steps } or WorkerMessage.FeedBroken);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<ScriptedCoordinator> TrainAsync(int workers, long untilStep)
    {
        var coordinator = await ScriptedCoordinator.StartAsync(workers);
        await coordinator.ActivateAsync(Prepare(), LogicalRanks, Steps);
        await coordinator.Next<WorkerMessage.Progress>(progress => progress.Step >= untilStep);
        return coordinator;
    }

    private async Task<WorkerId> JoinAsync(ScriptedCoordinator coordinator, long feedId, WorkerId donor)
    {
        var joiner = await coordinator.StartOneAsync();
        coordinator.Tell(joiner, Prepare());
        await coordinator.Next<WorkerMessage.Prepared>();
        Follow(coordinator, joiner, feedId, donor);
        return joiner;
    }

    private static void Follow(ScriptedCoordinator coordinator, WorkerId joiner, long feedId, WorkerId donor)
    {
        coordinator.Tell(joiner, new CoordinatorMessage.Follow(feedId, Steps));
        coordinator.Tell(donor, new CoordinatorMessage.Feed(feedId, joiner, coordinator.HelloOf(joiner).CollectiveAddress));
    }

    private static WorkerId Id(long number) => WorkerId.FromNumber(number);

    private async Task<string> QuietHash()
    {
        await using var coordinator = await ScriptedCoordinator.StartAsync(1);
        await coordinator.ActivateAsync(Prepare(), LogicalRanks, Steps);
        return (await coordinator.Next<WorkerMessage.Finished>()).WeightsSha256;
    }

    private static async Task<string[]> Finished(ScriptedCoordinator coordinator, int count)
    {
        var hashes = new string[count];
        for (var i = 0; i < count; i++)
        {
            hashes[i] = (await coordinator.Next<WorkerMessage.Finished>()).WeightsSha256;
        }

        return hashes;
    }

    /// <summary>Fence, Fenced, Activate as Protocol/GENERATIONS.md has them.</summary>
    private static async Task ChangeAfterFailure(ScriptedCoordinator coordinator, Generation next, ImmutableArray<WorkerId> left)
    {
        foreach (var worker in left)
        {
            coordinator.Tell(worker, new CoordinatorMessage.Fence(next, "a member was killed"));
        }

        var answers = new Dictionary<WorkerId, WorkerMessage.Fenced>();
        while (answers.Count < left.Length)
        {
            var (worker, fenced) = await coordinator.NextFrom<WorkerMessage.Fenced>();
            Assert.Equal(next, fenced.Generation);
            answers[worker] = fenced;
        }

        var start = answers.Values.Max(answer => answer.Decided);
        var held = left.Select(worker => answers[worker] is var answer && answer.Decided == start
            ? answer.Held.SelectMany(range => Enumerable.Range(range.First, range.Count)).ToList() : []).ToArray();
        foreach (var rank in Enumerable.Range(0, LogicalRanks).Where(rank => !held.Any(each => each.Contains(rank))))
        {
            held.MinBy(each => each.Count)!.Add(rank);
        }

        var members = Members(coordinator, left).Select((member, i) => member with { FirstStepRanks = [.. held[i].Order().Select(rank => new RankRange(rank, 1))] });
        ImmutableArray<int> behind = [.. Enumerable.Range(0, left.Length).Where(i => answers[left[i]].Decided < start)];
        var donor = left.ToList().FindIndex(worker => answers[worker].Decided == start);
        foreach (var worker in left)
        {
            coordinator.Tell(worker, new CoordinatorMessage.Activate(next, [.. members], start, Steps, Steps, behind.IsEmpty ? null : donor, behind));
        }
    }

    private static ImmutableArray<Member> Members(ScriptedCoordinator coordinator, ImmutableArray<WorkerId> workers)
    {
        var ranges = RankPlan.Even(LogicalRanks, workers.Length);
        return [.. workers.Select((worker, i) => new Member(worker, coordinator.HelloOf(worker).CollectiveAddress, ranges[i].First, ranges[i].Count))];
    }

    private CoordinatorMessage.Prepare Prepare() =>
        new(new RunId("test"), First, JobSpecJson.Write(Job()), "avx2", Path.Combine(_folder.FullName, Guid.NewGuid().ToString("N")), null);

    private JobSpec Job()
    {
        var text = Path.Combine(_folder.FullName, "text.txt");
        if (!File.Exists(text))
        {
            File.WriteAllText(text, string.Concat(Enumerable.Range(0, 4000).Select(i => (char)('a' + (i * i % 23)))));
        }

        return new JobSpec
        {
            Name = "small-gpt",
            ProjectRoot = _folder.FullName,
            Model = new GptSpec { Layers = 2, Heads = 2, Width = 64, Context = 64, Dropout = 0.1 },
            Data = new TextDataSpec([text]),
            Training = new TrainingSpec { Steps = Steps, GlobalBatch = 32, LogicalRanks = LogicalRanks, ClipNorm = 1 },
            Workers = new WorkersSpec { Device = "cpu" },
        };
    }
}
