using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
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
        var (ends, saves, formations, fences, switches, pauses) = (0, 0, 0, 0, 0, 0);
        for (var round = 0; round < 500; round++)
        {
            var talk = new Conversation();
            var ended = false;
            for (var i = 0; i < 150; i++)
            {
                var before = talk.State.Find(Run);
                var effects = Next(talk, random);
                Check(talk, before, effects, ref ended, seed, round);
                saves += effects.Count(effect => effect.Contains("SaveCheckpoint", StringComparison.Ordinal));
                fences += effects.Count(effect => effect.Contains(" Fence G", StringComparison.Ordinal));
                switches += effects.Count(effect => effect.Contains(" Switch G", StringComparison.Ordinal));
                pauses += effects.Count(effect => effect.Contains("RunPaused", StringComparison.Ordinal));
                formations += effects.Count(effect => effect.Contains("GenerationFormed", StringComparison.Ordinal));
            }

            ends += ended ? 1 : 0;
        }

        // The sequences must reach the far corners, or they prove nothing.
        Assert.True(
            ends > 50 && saves > 10 && formations > 100 && fences > 100 && switches > 10 && pauses > 10,
            $"seed {seed}: {ends} ends, {saves} saves, {formations} formations, {fences} fences, {switches} switches, {pauses} pauses");
    }

    private static void Check(Conversation talk, RunState? before, string[] effects, ref bool ended, int seed, int round)
    {
        var where = $"seed {seed}, round {round}: {string.Join(" | ", effects)}";
        var run = talk.State.Find(Run);
        Assert.True(effects.Count(effect => effect.StartsWith("end ", StringComparison.Ordinal)) <= (ended ? 0 : 1), where);
        Assert.True(KindCounts.Of(talk.State.Workers, talk.State.Serving).Kinds.SequenceEqual(talk.State.Kinds.Kinds), where);
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
            Assert.True(run.LastGeneration >= run.Generation && (before is null || run.LastGeneration >= before.LastGeneration), where);
            Assert.True(run.Joiners.Values.All(joiner => joiner.Feeds <= Joiner.MaxFeeds), where);
            Assert.True(run.Progress.Pending.Count <= ProgressRule.MaxPendingSteps, where);
        }
    }

    private static string[] Next(Conversation talk, Random random)
    {
        var attached = talk.State.Workers.Keys.ToArray();
        var worker = attached.Length == 0 ? 1 : int.Parse(attached[random.Next(attached.Length)].Value.AsSpan(2));
        var generation = new Generation(random.Next(8) == 0 ? 9 : talk.State.Find(Run)?.Generation.Number ?? 1);
        var step = random.Next(1, 6) * 20;
        var other = attached.Length == 0 ? new WorkerId("w-1") : attached[random.Next(attached.Length)];
        var last = new Generation(Math.Max(1, (talk.State.Find(Run)?.LastGeneration.Number ?? 1) - (random.Next(6) == 0 ? 1 : 0)));
        var feed = talk.State.Find(Run)?.LastFeed ?? 0;
        return random.Next(36) switch
        {
            22 or 23 or 24 => talk.Say(worker, new WorkerMessage.Fenced(last, step + random.Next(2), [new RankRange(random.Next(8), random.Next(1, 4))], random.Next(4) > 0)),
            25 or 26 => talk.Say(worker, new WorkerMessage.Entered(last, step)),
            27 => talk.Say(worker, new WorkerMessage.Left(last, step)),
            28 or 29 => talk.Say(worker, new WorkerMessage.Followed(feed, step)),
            30 => talk.Say(worker, new WorkerMessage.FeedBroken(feed, "slow")),
            31 => random.Next(3) == 0 ? talk.Say(worker, new WorkerMessage.LinkBroken(last, other, "reset")) : [],
            32 => random.Next(4) == 0 ? talk.Scale(random.Next(0, 6)) : [],
            33 => random.Next(6) switch { 0 => talk.Drain(worker), 1 => talk.TakeBack(worker), _ => [] },
            34 => talk.Pass(random.Next(1, 4), random.Next(2) == 0 ? [.. attached.Select(id => int.Parse(id.Value.AsSpan(2)))] : [worker]),
            35 => talk.Fire((RunTimer)random.Next(1, 10), last.Number),
            0 or 1 => talk.State.Workers.Count < 5 ? talk.Attach(isa: random.Next(3) == 0 ? "default" : "avx2") : [],
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
