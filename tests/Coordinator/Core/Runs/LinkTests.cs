using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

/// <summary>A link breaks between members that are both well.</summary>
public sealed class LinkTests
{
    private static WorkerMessage.LinkBroken Broken(int peer, long generation = 1) => new(new Generation(generation), WorkerId.FromNumber(peer), "reset");

    private static void Answer(Conversation talk, long generation, params int[] workers)
    {
        foreach (var worker in workers)
        {
            talk.Say(worker, Fenced(generation, 57));
        }
    }

    [Fact]
    public void LinkBroken_ThenTheLossThatExplainsIt_IsOneChange()
    {
        var talk = AtStep(57, 3);

        Assert.Equal(["timer Link G1 0.3 s"], talk.Say(1, Broken(2)));
        Assert.Equal([], talk.Say(3, Broken(2)));
        Assert.Equal("record WorkerLost w-2 at 57: its stream broke", talk.Lose(2)[0]);
        Assert.Equal(["note: The timer Link of G1 changes nothing while run run is Regrouping."], talk.Fire(RunTimer.Link, 1));
    }

    [Fact]
    public void LinkBroken_NobodyIsLost_AllLinksAreMadeAnewWithEverybody()
    {
        var talk = AtStep(57, 3);
        talk.Say(1, Broken(2));

        Assert.Equal("tell w-1 Fence G2: The link between w-1 and w-2 broke at step 57; all links are made anew.", talk.Fire(RunTimer.Link, 1)[0]);
        Answer(talk, 2, 1, 2, 3);
        Assert.Equal(3, talk.RunState.GenerationSize);
        Assert.Equal(0, talk.RunState.LostLogicalRankSteps);
    }

    [Fact]
    public void LinkBroken_AgainWithoutAStepBetween_TheHigherIdIsGivenUp()
    {
        var talk = AtStep(57, 3);
        talk.Say(1, Broken(2));
        talk.Fire(RunTimer.Link, 1);
        Answer(talk, 2, 1, 2, 3);
        talk.Say(2, Broken(1, 2));

        Assert.StartsWith("evict w-2: its link to 1 member broke again before a step was committed (w-1 and w-2)", talk.Fire(RunTimer.Link, 2)[0]);
    }

    [Fact]
    public void LinkBroken_AgainToSeveral_TheOneWithFewerLinksIsGivenUp()
    {
        var talk = AtStep(57, 3);
        talk.Say(1, Broken(2));
        talk.Say(1, Broken(3));
        talk.Fire(RunTimer.Link, 1);
        Answer(talk, 2, 1, 2, 3);
        talk.Say(3, Broken(1, 2));
        talk.Say(2, Broken(1, 2));

        Assert.StartsWith("evict w-1: its link to 2 members broke again", talk.Fire(RunTimer.Link, 2)[0]);
    }

    [Fact]
    public void LinkBroken_AgainAfterAStep_IsTriedOnceMore()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, Broken(2));
        talk.Fire(RunTimer.Link, 1);
        Answer(talk, 2, 1, 2);
        talk.Say(1, Progress(58, generation: 2));
        talk.Say(2, Progress(58, generation: 2));
        talk.Say(2, Broken(1, 2));

        Assert.StartsWith("tell w-1 Fence G3: The link between w-1 and w-2 broke at step 58", talk.Fire(RunTimer.Link, 2)[0]);
    }

    [Fact]
    public void LinkBroken_OfAFormerGeneration_IsIgnored()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, Broken(2));
        talk.Fire(RunTimer.Link, 1);
        Answer(talk, 2, 1, 2);

        Assert.Equal(["note: LinkBroken of w-2 changes nothing while run run is Running."], talk.Say(2, Broken(1)));
    }
}
