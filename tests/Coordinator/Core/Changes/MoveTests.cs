using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Changes;

/// <summary>Ranks move for the members' speeds, less and less often while the members stay the same.</summary>
public sealed class MoveTests
{
    [Fact]
    public void Progress_SpeedsTurnRoundAgainAndAgain_EachMoveWaitsTwiceAsLongUntilTheMembersChange()
    {
        var talk = Training(2);
        var seconds = Enumerable.Range(0, 4).Select(move => UntilMoved(talk, slow: 1 + (move % 2))).ToArray();
        Assert.Equal([3, 6, 12, 24], seconds);
        Assert.Equal(4, talk.RunState.Moves);

        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        var (next, behind) = (talk.RunState.LastGeneration, talk.RunState.Progress.HighestStep + 1);
        talk.Say(1, Entered(next.Number, behind));
        talk.Say(2, new WorkerMessage.Left(next, behind));
        Assert.Equal((next, 0), (talk.RunState.Generation, talk.RunState.Moves));
    }

    /// <summary>A step takes a tenth of a second, of which one member computes all the time.</summary>
    /// <returns>Whole seconds from the generation's second step until ranks move. The change is carried out.</returns>
    private static int UntilMoved(Conversation talk, int slow)
    {
        var (generation, moves, first) = (talk.RunState.Generation.Number, talk.RunState.Moves, talk.Now);
        for (var step = talk.RunState.Progress.HighestStep + 1; talk.RunState.Moves == moves; step++)
        {
            first = step == talk.RunState.Crew!.StartStep + 2 ? talk.Now : first;
            for (var worker = 1; worker <= 2; worker++)
            {
                var ranks = talk.RunState.Crew!.RanksOf(Orchestrator.Core.Identities.WorkerId.FromNumber(worker), step).Count();
                var message = Progress(step, generation: generation) with { Seconds = new StepSeconds(0.1, 0, ranks * (worker == slow ? 0.1 : 0.01), 0, 0) };
                talk.SayAtOnce(worker, message);
            }

            talk.Pass(0.1, 1, 2);
        }

        var took = (talk.Now - first).TotalSeconds;
        var next = talk.RunState.LastGeneration.Number;
        talk.SayAtOnce(1, Entered(next, talk.RunState.Progress.HighestStep + 1));
        talk.SayAtOnce(2, Entered(next, talk.RunState.Progress.HighestStep + 1));
        return (int)took;
    }
}
