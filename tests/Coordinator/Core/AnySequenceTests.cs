using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests;

/// <summary>Events in any order, sensible or not: the machines never throw, and what must always hold holds after every event.</summary>
public sealed class AnySequenceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Step_AnySequenceOfEvents_KeepsTheInvariants(int seed)
    {
        var random = new Random(seed);
        var (ends, saves, formations) = (0, 0, 0);
        for (var round = 0; round < 500; round++)
        {
            var talk = new Conversation();
            var ended = false;
            for (var i = 0; i < 100; i++)
            {
                var before = talk.State.Find(Run);
                var effects = Next(talk, random);
                Check(talk, before, effects, ref ended, seed, round);
                saves += effects.Count(effect => effect.Contains("SaveCheckpoint", StringComparison.Ordinal));
                formations += effects.Count(effect => effect.Contains("GenerationFormed", StringComparison.Ordinal));
            }

            ends += ended ? 1 : 0;
        }

        // The sequences must reach the far corners, or they prove nothing.
        Assert.True(ends > 100 && saves > 10 && formations > 100, $"seed {seed}: {ends} ends, {saves} saves, {formations} formations");
    }

    private static void Check(Conversation talk, RunState? before, string[] effects, ref bool ended, int seed, int round)
    {
        var where = $"seed {seed}, round {round}: {string.Join(" | ", effects)}";
        var run = talk.State.Find(Run);
        Assert.True(effects.Count(effect => effect.StartsWith("end ", StringComparison.Ordinal)) <= (ended ? 0 : 1), where);
        ended |= run?.Phase is RunPhase.Ended;
        if (run is null)
        {
            return;
        }

        Assert.True(before is null || run.Generation >= before.Generation, where);
        Assert.True(run.Members.All(talk.State.Workers.ContainsKey), where);
        Assert.True(run.Phase is not RunPhase.Ended || effects.Length == 0 || !effects[^1].StartsWith("tell", StringComparison.Ordinal), where);

        // A record of what happened stands before the orders that follow from it.
        var end = Array.FindIndex(effects, effect => effect.StartsWith("record RunEnded", StringComparison.Ordinal));
        var release = Array.FindIndex(effects, effect => effect.EndsWith(" Release", StringComparison.Ordinal));
        Assert.True(end < 0 || release < 0 || release > end || effects[0].Contains("WorkerRefused", StringComparison.Ordinal)
            || effects[0].Contains("WorkerFailed", StringComparison.Ordinal), where);
        if (run.Crew is { } crew)
        {
            Assert.Equal(8, crew.Ranks.Values.Sum(member => member.RankCount));
            Assert.True(run.Progress.Pending.Count <= ProgressRule.MaxPendingSteps, where);
        }
    }

    private static string[] Next(Conversation talk, Random random)
    {
        var attached = talk.State.Workers.Keys.ToArray();
        var worker = attached.Length == 0 ? 1 : int.Parse(attached[random.Next(attached.Length)].Value.AsSpan(2));
        var generation = new Generation(random.Next(8) == 0 ? 9 : talk.State.Find(Run)?.Generation.Number ?? 1);
        var step = random.Next(1, 6) * 20;
        return random.Next(22) switch
        {
            0 or 1 => talk.State.Workers.Count < 4 ? talk.Attach(isa: random.Next(3) == 0 ? "default" : "avx2") : [],
            2 => talk.Submit(Job(min: random.Next(1, 3), desired: random.Next(2, 4))),
            3 => random.Next(4) == 0 ? talk.Stop() : [],
            4 => random.Next(2) == 0 ? talk.Lose(worker) : [],
            5 => talk.Fire((RunTimer)random.Next(1, 5), generation.Number),
            6 or 7 or 8 or 9 => talk.Say(worker, Prepared(generation.Number, data: random.Next(12) == 0 ? "x" : "d")),
            10 => random.Next(4) == 0 ? talk.Say(worker, new WorkerMessage.Refused(generation, "no", (FailureKind)random.Next(4))) : [],
            11 or 12 or 13 => talk.Say(worker, Progress(step, generation: generation.Number)),
            14 => talk.Say(worker, new WorkerMessage.StateDigest(generation, step, random.Next(10) == 0 ? "x" : "h")),
            15 or 16 => talk.Say(worker, Saved(step, random.Next(6) == 0 ? "disk full." : null, generation.Number)),
            17 => talk.Say(worker, new WorkerMessage.Aborted(generation, step)),
            18 => talk.Say(worker, new WorkerMessage.Aborted(generation, step)),
            19 => random.Next(2) == 0 ? talk.Say(worker, new WorkerMessage.Finished(generation, 100, "w100", 1)) : [],
            20 => random.Next(4) == 0 ? talk.Say(worker, new WorkerMessage.Failed(generation, step, "oh", (FailureKind)random.Next(4))) : [],
            _ => random.Next(8) == 0 ? talk.Say(worker, new WorkerMessage.Leaving("SIGTERM", Returns: random.Next(2) == 0)) : [],
        };
    }
}
