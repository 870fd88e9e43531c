using System.Globalization;
using Orchestrator.Coordinator.Core.Supervision;

namespace Orchestrator.Coordinator.Core.Tests.Supervision;

public sealed class SupervisionTests
{
    private SupervisionState _state = SupervisionState.Create(new RestartLimits(), min: 1);
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private int _lastPid = 100;

    private string[] Hear(SupervisionEvent @event, double after = 1)
    {
        _now += TimeSpan.FromSeconds(after);
        (_state, var effects) = SupervisionMachine.Step(_state, @event, _now);
        return [.. effects.Select(effect => effect switch
        {
            SupervisionEffect.Start e => $"start {e.Slot}",
            SupervisionEffect.Kill e => $"kill {e.Pid}",
            SupervisionEffect.Delay e => string.Create(CultureInfo.InvariantCulture, $"delay {e.Slot} {e.For.TotalSeconds} s"),
            SupervisionEffect.AwaitThaw e => string.Create(CultureInfo.InvariantCulture, $"thaw {e.Pid} {e.For.TotalSeconds} s"),
            SupervisionEffect.Say e => $"say {e.Sentence}",
            SupervisionEffect.GiveUp e => $"give up: {e.Reason}",
            _ => throw new ArgumentOutOfRangeException(nameof(@event)),
        })];
    }

    private int Start(int slot)
    {
        Hear(new SupervisionEvent.Started(slot, ++_lastPid));
        return _lastPid;
    }

    private string[] End(int slot, bool isWell = false, string how = "It was killed by signal 9.", double after = 1) =>
        Hear(new SupervisionEvent.Ended(slot, _state.Slots[slot].Pid, isWell, how, how), after);

    /// <summary>As many processes as are wanted, all members.</summary>
    private void Run(int desired)
    {
        Hear(new SupervisionEvent.Wanted(desired));
        for (var slot = 1; slot <= desired; slot++)
        {
            Hear(new SupervisionEvent.BecameMember(Start(slot)));
        }
    }

    [Fact]
    public void Wanted_Three_StartsThree() => Assert.Equal(["start 1", "start 2", "start 3"], Hear(new SupervisionEvent.Wanted(3)));

    [Fact]
    public void Ended_AMember_IsReplacedAtOnceAndSaid()
    {
        Run(2);

        Assert.Equal(
            ["say It was killed by signal 9. Another is started at once (restart 1 of at most 10 within 10 minutes).", "start 2"], End(2));
    }

    [Fact]
    public void Ended_AgainAndAgain_DelaysDoubleUpToTenSeconds()
    {
        Run(1);
        var delays = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            delays.Add(End(1)[1]);
            if (_state.Slots[1].Stage == SlotStage.Waiting)
            {
                Assert.Equal(["start 1"], Hear(new SupervisionEvent.DelayOver(1)));
            }

            Hear(new SupervisionEvent.BecameMember(Start(1)));
        }

        Assert.Equal(["start 1", "delay 1 0.5 s", "delay 1 1 s", "delay 1 2 s", "delay 1 4 s", "delay 1 8 s", "delay 1 10 s", "delay 1 10 s"], delays);
    }

    [Fact]
    public void Ended_AfterItWasAMemberForAWhile_CountsAsTheFirst()
    {
        Run(1);
        End(1);
        Hear(new SupervisionEvent.BecameMember(Start(1)));

        Assert.Equal("start 1", End(1, after: 31)[1]);
    }

    [Fact]
    public void Ended_MoreOftenThanAllowed_TheOthersGoOnWithoutIt()
    {
        _state = SupervisionState.Create(new RestartLimits { MaxRestarts = 1 }, min: 1);
        Run(2);
        End(2);
        Hear(new SupervisionEvent.BecameMember(Start(2)));

        Assert.Equal(["say It was killed by signal 9. It is not started again, after 1 restart within 10 minutes, the most that --restarts allows: 1 worker process is kept."], End(2));
    }

    [Fact]
    public void Ended_RestartsLongAgo_DoNotCount()
    {
        _state = SupervisionState.Create(new RestartLimits { MaxRestarts = 1 }, min: 1);
        Run(1);
        End(1);
        Hear(new SupervisionEvent.BecameMember(Start(1)));

        Assert.Equal("start 1", End(1, after: 601)[1]);
    }

    [Fact]
    public void Ended_NoRestartsAllowed_GivesUpAtTheFirst()
    {
        _state = SupervisionState.Create(new RestartLimits { MaxRestarts = 0 }, min: 1);
        Run(1);

        Assert.Equal(
            ["give up: It was killed by signal 9. It is not started again, after 0 restarts within 10 minutes, the most that --restarts allows: 0 worker processes are kept, and the run needs 1."], End(1));
    }

    [Fact]
    public void Ended_EveryTimeBeforeItIsAMember_TheFirstErrorIsTheReason()
    {
        Hear(new SupervisionEvent.Wanted(2));
        Start(1);
        Start(2);
        End(2, how: "The first error.");
        var last = Array.Empty<string>();
        for (var i = 0; i < 3; i++)
        {
            foreach (var slot in (int[])[1, 2])
            {
                if (_state.Slots[slot].Stage == SlotStage.GivenUp)
                {
                    continue;
                }

                Hear(new SupervisionEvent.DelayOver(slot));
                Start(slot);
                last = End(slot, how: $"Error {i} of {slot}.");
            }
        }

        Assert.Equal(["give up: The first error."], last);
    }

    /// <summary>It said "after 3 that ended before they were members", and it was one.</summary>
    [Fact]
    public void Ended_BeforeItWasAMemberAndNoRestartsAllowed_SaysWhichLimitItWas()
    {
        _state = SupervisionState.Create(new RestartLimits { MaxRestarts = 0 }, min: 1);
        Hear(new SupervisionEvent.Wanted(2));
        Start(1);
        Start(2);

        Assert.Equal(["say No libtorch. It is not started again, after 0 restarts within 10 minutes, the most that --restarts allows: 1 worker process is kept."], End(2, how: "No libtorch."));
    }

    [Fact]
    public void NotStarted_IsAnEarlyEnd()
    {
        Hear(new SupervisionEvent.Wanted(1));

        Assert.StartsWith("say A worker process could not be started: no memory. Another is started at once", Hear(new SupervisionEvent.NotStarted(1, "no memory."))[0]);
    }

    [Fact]
    public void Ended_AfterScaleIn_IsNotReplaced()
    {
        Run(3);
        Hear(new SupervisionEvent.Wanted(2));

        Assert.Equal([], End(2, isWell: true));
        Assert.Equal("start 1", End(1, isWell: true)[1]);
    }

    [Fact]
    public void Wanted_More_StartsWhatIsMissing()
    {
        Run(2);

        Assert.Equal(["start 3", "start 4"], Hear(new SupervisionEvent.Wanted(4)));
    }

    [Fact]
    public void Lost_AndNotBackAfterAWhile_IsKilledAndThenReplaced()
    {
        Run(2);
        var pid = _state.Slots[2].Pid;

        Assert.Equal([$"thaw {pid} 30 s"], Hear(new SupervisionEvent.Lost(pid)));
        Assert.Equal(
            [$"say The worker process {pid} was lost 30 s ago and has not come back; it is killed and replaced.", $"kill {pid}"],
            Hear(new SupervisionEvent.ThawOver(2, pid, IsAttached: false)));
        Assert.Equal("start 2", End(2)[1]);
    }

    [Fact]
    public void Lost_ButAttachedAgain_IsLeftAlone()
    {
        Run(1);

        Assert.Equal([], Hear(new SupervisionEvent.ThawOver(1, _state.Slots[1].Pid, IsAttached: true)));
    }

    [Fact]
    public void Lost_AndReplacedMeanwhile_TheNewOneIsNotKilled()
    {
        Run(1);
        var pid = _state.Slots[1].Pid;
        End(1);
        Start(1);

        Assert.Equal([], Hear(new SupervisionEvent.ThawOver(1, pid, IsAttached: false)));
    }
}
