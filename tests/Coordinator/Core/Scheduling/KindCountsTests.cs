using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Tests.Scheduling;

/// <summary>Counting on is the same as counting again, and deciding by the counts the same as deciding by the workers.</summary>
public sealed class KindCountsTests
{
    private const int Seeds = 2000;

    private static readonly string[] Levels = ["default", "avx2"];
    private static readonly string[] Launchers = ["", "me"];

    [Fact]
    public void With_AnyWorkersThatComeChangeAndGo_IsWhatIsCountedAgain()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var workers = ImmutableSortedDictionary<WorkerId, Candidate>.Empty;
            var serving = Enumerable.Range(1, 12).Where(_ => random.Next(3) == 0).ToImmutableSortedDictionary(WorkerIdOf, _ => new RunId("run"));
            var counts = KindCounts.Of(workers, serving);
            for (var i = 0; i < 40; i++)
            {
                var worker = WorkerIdOf(random.Next(1, 13));
                var before = workers.GetValueOrDefault(worker);
                var after = random.Next(3) == 0 ? null : Draw(worker, random);
                workers = after is null ? workers.Remove(worker) : workers.SetItem(worker, after);
                counts = counts.With(workers, before, after);
                Assert.True(counts.IsOf(workers, serving));
                Assert.Equal(KindCounts.Of(workers, serving).Kinds, counts.Kinds);
            }
        }
    }

    [Fact]
    public void SetApart_AnyWorkers_IsWhatEachOfThemSaysInItsTurn()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var attached = Enumerable.Range(1, random.Next(0, 12)).Select(number => Draw(WorkerIdOf(number), random)).ToImmutableSortedDictionary(candidate => candidate.Worker, candidate => candidate);
            var serving = attached.Keys.Where(_ => random.Next(3) == 0).ToImmutableSortedDictionary(worker => worker, _ => new RunId("run"));
            var awaited = Enumerable.Range(20, random.Next(0, 4)).Select(number => Draw(WorkerIdOf(number), random)).ToList();
            var refused = attached.Keys.Concat(awaited.Select(candidate => candidate.Worker)).Append(WorkerIdOf(99)).Where(_ => random.Next(4) == 0).ToHashSet();

            var expected = attached.Values.Where(candidate => !candidate.IsLeaving).Select(candidate => (candidate, idle: serving.ContainsKey(candidate.Worker) ? 0 : 1))
                .Concat(awaited.Select(candidate => (candidate, idle: 0))).GroupBy(each => KindKey.Of(each.candidate, refused.Contains(each.candidate.Worker)))
                .Select(kind => new KindCount(kind.Key, kind.First().candidate, kind.Count(), kind.Sum(each => each.idle)));
            Assert.Equal(expected, KindCounts.Of(attached, serving).SetApart(refused, awaited));
        }
    }

    [Fact]
    public void Wait_AnyIdleWorkers_DecidesAsIfItKnewThem()
    {
        var waits = 0;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var idle = Enumerable.Range(1, random.Next(0, 8)).Select(number => Draw(WorkerIdOf(number), random)).ToList();
            var refused = idle.Select(candidate => candidate.Worker).Append(WorkerIdOf(99)).Where(_ => random.Next(6) == 0).ToImmutableSortedDictionary(worker => worker, worker => $"Why not {worker}.");
            var workers = Conversation.Job(min: random.Next(1, 4), desired: random.Next(3, 8), isa: random.Next(3) == 0 ? "avx2" : "auto").Workers;
            var most = random.Next(0, 9);
            var order = new FormationOrder(workers, refused, random.Next(3) == 0 ? "me" : null, most, random.Next(1, workers.Desired + 1), random.Next(4) == 0);
            var rooms = idle.Select(Key).Distinct().ToDictionary(key => key, _ => random.Next(0, 5));
            var left = rooms.ToDictionary();

            var wait = FormationRule.Wait(order, idle.GroupBy(Key).Select(kind => new IdleKind(kind.First(), kind.Count(), rooms[kind.Key])));
            var decision = FormationRule.Decide(order, idle, candidate => left[Key(candidate)]-- > 0);

            Assert.Equal(decision.IsFormed || !decision.Refusals.IsEmpty, wait is null);
            if (wait is { } known)
            {
                waits++;
                Assert.Equal((decision.IsFormed, decision.HasEnough, decision.Isa, decision.Reason), (known.IsFormed, known.HasEnough, known.Isa, known.Reason));
                Assert.True(known.Members.IsEmpty && known.Refusals.IsEmpty, $"seed {seed}");
            }

            KindKey Key(Candidate candidate) => KindKey.Of(candidate, refused.ContainsKey(candidate.Worker));
        }

        Assert.InRange(waits, Seeds / 10, Seeds * 9 / 10);
    }

    /// <summary>Whoever changes the workers or whom they serve in another way than the coordinator does is not told old numbers.</summary>
    [Fact]
    public void Kinds_OfAStateWithOtherWorkers_AreCountedAgain()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Attach();
        var alone = talk.State with { Workers = talk.State.Workers.Remove(WorkerIdOf(1)) };
        var busy = talk.State with { Serving = talk.State.Serving.Add(WorkerIdOf(1), new RunId("run")) };

        Assert.Equal([(2, 2), (1, 1), (2, 1)], new[] { talk.State, alone, busy }.Select(state => (state.Kinds.Kinds.Single().Count, state.Kinds.Kinds.Single().Idle)));
    }

    private static WorkerId WorkerIdOf(int number) => WorkerId.FromNumber(number);

    private static Candidate Draw(WorkerId worker, Random random) => new(
        worker, new WorkerMessage.Hello(1, "host", "host:9", "host:8", Levels[random.Next(2)], "cpu", Launchers[random.Next(2)], "1.0")) { IsEnding = random.Next(6) == 0, IsDrained = random.Next(6) == 0 };
}
