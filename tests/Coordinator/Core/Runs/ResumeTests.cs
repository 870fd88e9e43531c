using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Runs;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

/// <summary>What a run says when it goes on from a checkpoint whose bits it cannot continue.</summary>
public class ResumeTests
{
    [Fact]
    public void Prepared_AnotherFingerprintThanTheCheckpoints_IsWarnedOfOnce()
    {
        var talk = Resumed(("libtorch", "1.13"), ("threads", "4"));

        var effects = talk.Say(1, Prepared(appliedSteps: 60));

        Assert.Equal(
            "record RunWarned: The checkpoint /old/step was trained with another numeric fingerprint: threads 4 and now not given. "
            + "The weights will differ in their last bits from those of the uninterrupted run. Go on as it was trained: --set workers.threads=4",
            Assert.Single(effects, effect => effect.Contains("RunWarned", StringComparison.Ordinal)));
        Assert.StartsWith("record RunWarned", effects[0], StringComparison.Ordinal);
        Assert.Equal("record GenerationFormed G1 60..100", effects[1]);
    }

    [Fact]
    public void Prepared_AFieldThatNobodyCanSet_IsNamedWithoutACure()
    {
        var effects = Resumed(("libtorch", "2.4")).Say(1, Prepared(appliedSteps: 60));

        Assert.EndsWith(
            "fingerprint: libtorch 2.4 and now 1.13. The weights will differ in their last bits from those of the uninterrupted run.", effects[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Prepared_TheCheckpointsFingerprint_NothingIsSaid() =>
        Assert.DoesNotContain(Resumed(("libtorch", "1.13")).Say(1, Prepared(appliedSteps: 60)), effect => effect.Contains("RunWarned", StringComparison.Ordinal));

    [Fact]
    public void Prepared_TheCheckpointsFingerprintIsNotKnown_NothingIsSaid()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Submit(Job(desired: 1), resumeFrom: "/old/step");

        Assert.DoesNotContain(talk.Say(1, Prepared(appliedSteps: 60)), effect => effect.Contains("RunWarned", StringComparison.Ordinal));
    }

    [Fact]
    public void Warn_TheInstructionSetDiffers_TheCureSetsIt()
    {
        var order = new RunOrder
        {
            Id = Run, Job = Job(), RunDir = "/runs/run", JobFile = "job.yaml", ResumeFrom = "/old/step",
            ResumeFingerprint = Fingerprint(("atenCapability", "avx2"), ("openBlasCore", "Haswell")),
        };

        Assert.EndsWith(
            "fingerprint: atenCapability avx2 and now avx512, openBlasCore Haswell and now SkylakeX. The weights will differ in their last bits from those of the "
            + "uninterrupted run. Go on as it was trained: --set workers.isa=avx2",
            ResumeRule.Warn(order, Fingerprint(("atenCapability", "avx512"), ("openBlasCore", "SkylakeX"))), StringComparison.Ordinal);
    }

    private static Conversation Resumed(params (string Name, string Value)[] fingerprint)
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Submit(Job(desired: 1), resumeFrom: "/old/step", resumeFingerprint: Fingerprint(fingerprint));
        return talk;
    }

    private static ImmutableSortedDictionary<string, string> Fingerprint(params (string Name, string Value)[] fields) =>
        fields.ToImmutableSortedDictionary(field => field.Name, field => field.Value, StringComparer.Ordinal);
}
