using System.Collections.Immutable;

namespace Orchestrator.Actors.Tests;

public sealed class MachineActorTests
{
    /// <summary>Adds numbers; the effect of each is the new sum as text. "bad" throws.</summary>
    private static (string Next, ImmutableArray<string> Effects) Add(string state, string @event, DateTimeOffset now)
    {
        var sum = (int.Parse(state) + int.Parse(@event)).ToString();
        return (sum, [$"before {sum}", sum]);
    }

    private static MachineActor<string, string, string> Start(Action<string> carryOut, Action<Exception, string>? crashed = null) =>
        new("0", Add, carryOut, crashed ?? ((_, _) => { }), TimeProvider.System);

    [Fact]
    public async Task PostAsync_FromManyThreads_EveryEventOnceAndEffectsInOrder()
    {
        var effects = new List<string>();
        var actor = Start(effects.Add);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 2000; i++)
            {
                await actor.PostAsync("1");
            }
        })));
        await actor.DisposeAsync();

        Assert.Equal("16000", actor.State);
        Assert.Equal(Enumerable.Range(1, 16000).SelectMany(sum => new[] { $"before {sum}", $"{sum}" }), effects);
    }

    [Fact]
    public async Task State_WhenEffectsRun_IsTheNewOne()
    {
        MachineActor<string, string, string>? actor = null;
        var seen = new List<string>();
        var ready = new TaskCompletionSource();
        actor = Start(_ =>
        {
            ready.Task.Wait();
            seen.Add(actor!.State);
        });
        ready.SetResult();

        await actor.PostAsync("5");
        await actor.DisposeAsync();

        Assert.Equal(["5", "5"], seen);
    }

    [Fact]
    public async Task Step_Throws_TheActorCrashesWithTheEventNamed()
    {
        var crash = new TaskCompletionSource<(Exception, string)>();
        var actor = Start(_ => { }, (e, @event) => crash.SetResult((e, @event)));

        await actor.PostAsync("bad");
        var (exception, culprit) = await crash.Task;

        Assert.IsType<FormatException>(exception);
        Assert.Equal("bad", culprit);
        await Assert.ThrowsAsync<FormatException>(() => actor.Completion);
        var late = await Assert.ThrowsAsync<ActorStoppedException>(() => actor.PostAsync("1").AsTask());
        Assert.IsType<FormatException>(late.InnerException);
        Assert.Equal("0", actor.State);
    }

    [Fact]
    public async Task Effect_Throws_TheActorCrashesToo()
    {
        var actor = Start(_ => throw new InvalidOperationException("the effect"));

        await actor.PostAsync("1");

        Assert.Equal("the effect", (await Assert.ThrowsAsync<InvalidOperationException>(() => actor.Completion)).Message);
    }

    [Fact]
    public async Task Post_FromAnEffectWithAFullMailbox_DoesNotBlock()
    {
        var gate = new TaskCompletionSource();
        MachineActor<string, string, string>? actor = null;
        var first = true;
        var echoed = new TaskCompletionSource();
        actor = Start(_ =>
        {
            gate.Task.Wait();
            if (first)
            {
                first = false;
                actor!.Post("1000000");
            }

            if (int.Parse(actor!.State) >= 1000000)
            {
                echoed.TrySetResult();
            }
        });
        await actor.PostAsync("1");
        for (var i = 0; i < MachineActor<string, string, string>.MailboxCapacity; i++)
        {
            await actor.PostAsync("1");
        }

        gate.SetResult();
        await echoed.Task;
        await actor.DisposeAsync();

        Assert.Equal((1000001 + MachineActor<string, string, string>.MailboxCapacity).ToString(), actor.State);
    }

    [Fact]
    public async Task DisposeAsync_WithWaitingEvents_WorksThemOff()
    {
        var actor = Start(_ => { });
        for (var i = 0; i < 100; i++)
        {
            await actor.PostAsync("2");
        }

        await actor.DisposeAsync();

        Assert.Equal("200", actor.State);
        await Assert.ThrowsAsync<ActorStoppedException>(() => actor.PostAsync("1").AsTask());
    }
}
