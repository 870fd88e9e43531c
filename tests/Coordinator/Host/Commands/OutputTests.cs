using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Commands;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Tests.Commands;

public sealed class OutputTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static RunState Run(RunPhase phase, long step, params double[] losses)
    {
        var rate = RateClock.Start(0, Now - TimeSpan.FromSeconds(10));
        for (var i = 1; i <= 10; i++)
        {
            rate = rate.Tick(i, 32, Now - TimeSpan.FromSeconds(10 - i));
        }

        return new RunState
        {
            Order = new RunOrder { Id = new RunId("run"), Job = JobText.Read(JobText.Gpt), RunDir = "/elsewhere/run", JobFile = "job.yaml" },
            Phase = phase, Generation = new Generation(1), FormedGenerations = 1, GenerationSize = 2, LastStep = 300, Reason = "Because.",
            Progress = RunProgress.None with
            {
                Step = step, RecentLosses = [.. losses], Rate = rate, HeldOut = new HeldOut(300, 1.5, 0.25),
                Checkpoint = new CheckpointMark(100, "/elsewhere/run/checkpoints/step-00000100", "abc", Now - TimeSpan.FromSeconds(75)),
            },
        };
    }

    [Fact]
    public void ProgressLine_WhileTraining_HasStepLossRateWorkersCheckpointAndTimeLeft() => Assert.Equal(
        "step 120/300 | loss 2.0000 | 32.0 samples/s | 2 workers | checkpoint 100 (1:15 ago) | 3:00 left",
        ProgressLine.Of(Run(new RunPhase.Queued(false, false), 120, 3, 2), Now));

    [Fact]
    public void Summary_OfASuccess_SaysWhereEverythingIsAndWhatToTypeNext()
    {
        var run = Run(new RunPhase.Ended(new RunOutcome(RunResult.Succeeded, "All 300 steps are applied.", 0, "abc")), 300, 1, 2);

        Assert.Equal(
            [
                "",
                "Run         run succeeded",
                "Loss        1.5000 nats = 2.164 bits per byte (mean of the last 2 steps)",
                "Held out    1.5000 nats = 2.164 bits per byte, accuracy 25.00 % (step 300)",
                "Speed       32.0 samples/s on 2 workers",
                "Weights     sha256 abc",
                "Run folder  /elsewhere/run",
                "Checkpoint  /elsewhere/run/checkpoints/step-00000100",
                "",
                "Next:",
                "  ./orchestrator generate /elsewhere/run/checkpoints/step-00000100 --prompt \"using System\"",
                "  ./orchestrator evaluate /elsewhere/run/checkpoints/step-00000100",
                "  ./orchestrator run job.yaml --resume /elsewhere/run --set training.steps=600",
            ],
            RunSummary.Lines(run, "job.yaml"));
    }

    [Fact]
    public void ResultJson_LossNotFinite_IsNull()
    {
        var run = Run(new RunPhase.Ended(new RunOutcome(RunResult.Failed, "The loss is NaN.", 1, null)), 7, double.NaN);

        Assert.Equal(
            """{"runId":"run","state":"failed","steps":100,"loss":null,"weightsSha256":null,"samplesPerSecond":32,"workers":2,"generations":1,"lostLogicalRankSteps":0,"runDir":"/elsewhere/run"}""",
            RunResultJson.Of(run));
    }

    [Fact]
    public void Screen_OnATerminal_KeepsOneLiveLineBelowThePlainOnes()
    {
        var text = new StringWriter { NewLine = "\n" };
        var screen = new Screen(text, isTerminal: true, hasColours: false, TimeProvider.System);

        screen.Progress(() => "step 1", isLast: true);
        screen.Line("news");
        screen.Progress(() => "step 2", isLast: true);
        screen.Progress(() => "step 3", isLast: true);
        screen.KeepLive();

        Assert.Equal("step 1\r\u001b[Knews\nstep 2\r\u001b[Kstep 3\n", text.ToString());
    }

    [Fact]
    public void Screen_WithoutTerminal_WritesPlainLinesNowAndThen()
    {
        var text = new StringWriter { NewLine = "\n" };
        var screen = new Screen(text, isTerminal: false, hasColours: false, TimeProvider.System);

        for (var step = 1; step <= 100; step++)
        {
            var number = step;
            screen.Progress(() => $"step {number}", isLast: step == 100);
        }

        screen.Warning("w");
        Assert.Equal("step 1\nstep 100\nWarning: w\n", text.ToString());
    }

    [Theory]
    [InlineData(512, "0.5 KiB")]
    [InlineData(33751424, "32.2 MiB")]
    [InlineData(5L << 30, "5.0 GiB")]
    public void Bytes_OfAnySize_AreShort(long bytes, string expected) => Assert.Equal(expected, Quantities.Bytes(bytes));

    [Theory]
    [InlineData(842496, "842,496")]
    [InlineData(12_345_678, "12.35 million")]
    [InlineData(7_000_000_000, "7.00 billion")]
    public void Count_OfAnySize_IsShort(long count, string expected) => Assert.Equal(expected, Quantities.Count(count));
}
