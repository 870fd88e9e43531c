using System.Runtime.Intrinsics.X86;
using TorchSharp.Extensions;
using TorchSharp.Tests.Support;

namespace TorchSharp.Tests;

/// <summary>Pinned processes: the same level gives the same bits, another level is told apart.</summary>
public sealed class NumericEnvironmentTests
{
    private static readonly Dictionary<(string Isa, int Threads), string> Answers = [];

    [Theory]
    [InlineData("default", "default", "Nehalem", "sse41")]
    [InlineData("avx2", "avx2", "Haswell", "avx2")]
    [InlineData("avx512", "avx512", "SkylakeX", "avx512_core")]
    public void Pin_OfEachLevel_IsReadBackFromEveryLibrary(string isa, string aten, string openBlas, string oneDnn)
    {
        Has(isa);

        var lines = PinAndTrain(isa, 1).Split('\n');

        Assert.Contains($"atenCapability={aten}", lines);
        Assert.Contains(lines, line => line == $"openBlasCore={openBlas}" || line == "openBlasCore=none");
        Assert.Contains(lines, line => line == $"oneDnnIsa={oneDnn}" || line == "oneDnnIsa=none");
        Assert.Contains("threads=1", lines);
    }

    [Theory]
    [InlineData("default", 1)]
    [InlineData("avx2", 1)]
    [InlineData("avx512", 1)]
    [InlineData("avx2", 2)]
    public void Pin_OfOneLevelInSeveralProcesses_GivesTheSameBits(string isa, int threads)
    {
        Has(isa);

        // Another heap, and an environment that says otherwise.
        var other = Child.Run(nameof(ChildPrograms.PinAndTrain), $"{isa} {threads} 1000003", ("OMP_NUM_THREADS", "7"),
            ("ATEN_CPU_CAPABILITY", "default"), ("OPENBLAS_CORETYPE", "Prescott"));

        Assert.Equal(PinAndTrain(isa, threads), other);
    }

    [Fact]
    public void Pin_OfTwoLevels_GivesOtherBitsAndOtherFingerprints()
    {
        Has("avx2");

        var old = PinAndTrain("default", 1).Split('\n');
        var recent = PinAndTrain("avx2", 1).Split('\n');

        Assert.NotEqual(old[^3..], recent[^3..]);
        Assert.NotEqual(old[..^3], recent[..^3]);
    }

    [Fact]
    public void Pin_AfterLibtorchWasLoaded_SaysWhatIsOtherwise()
    {
        var error = Child.Run(nameof(ChildPrograms.PinTooLate), "default", ("ATEN_CPU_CAPABILITY", NumericEnvironment.HighestIsa()));

        Assert.SkipWhen(NumericEnvironment.HighestIsa() == "default", "This processor has no newer level than the default.");
        Assert.Contains("libtorch was loaded in this process before default with 1 threads was asked for", error);
        Assert.Contains("ATen's CPU capability is", error);
    }

    [Fact]
    public void Pin_AfterLibtorchWasLoadedWithTheSameSettings_IsGood()
    {
        Has("avx2");
        var variables = NumericEnvironment.Variables("avx2", 1).ToArray();

        Assert.Equal("avx2", Child.Run(nameof(ChildPrograms.PinTooLate), "avx2", variables));
    }

    [Fact]
    public void Pin_ToSomethingElseAgain_SaysThatAProcessIsPinnedOnce() =>
        Assert.Contains("was pinned to default with 1 threads; default with 2 was asked for", Child.Run(nameof(ChildPrograms.PinTwice)));

    [Fact]
    public void Pin_OfAnUnknownLevel_NamesTheLevels() =>
        Assert.Contains("default, avx2, avx512", Assert.Throws<NumericEnvironmentException>(() => NumericEnvironment.Pin("sse9", 1)).Message);

    [Fact]
    public void HighestIsa_Asked_DoesNotLoadLibtorch() =>
        Assert.Equal($"{NumericEnvironment.HighestIsa()} False", Child.Run(nameof(ChildPrograms.HighestIsa)));

    [Fact]
    public void DifferenceFrom_AnotherFingerprint_NamesTheFieldsThatDiffer()
    {
        var left = new NumericFingerprint("1.13.1 build a", "cpu", 1, "avx2", "OpenBLAS 0.3.21", "Haswell", 1, "2.6.3", "avx2", "glibc 2.36, fma");
        var right = left with { AtenCapability = "avx512", Threads = 2 };

        Assert.Null(left.DifferenceFrom(left with { }));
        Assert.Equal(left, left with { });
        Assert.Equal("The numeric fingerprints differ in atenCapability (avx2 and avx512), threads (1 and 2).", left.DifferenceFrom(right));
    }

    [Fact]
    public void FirstTensor_WithoutTheShim_SaysHowToGetIt()
    {
        var error = Child.Run(nameof(ChildPrograms.FirstTensor), "", ("ORCHESTRATOR_TORCH_SHIM", "/nowhere/liborchestrator_torch.so"));

        Assert.Equal("ORCHESTRATOR_TORCH_SHIM names '/nowhere/liborchestrator_torch.so', which does not exist. Give the path of liborchestrator_torch.so, or unset it.", error);
    }

    [Fact]
    public void FirstTensor_WithABrokenShim_SaysWhatToInstall()
    {
        var file = Path.GetTempFileName();
        var error = Child.Run(nameof(ChildPrograms.FirstTensor), "", ("ORCHESTRATOR_TORCH_SHIM", file));
        File.Delete(file);

        Assert.StartsWith($"{file} could not be loaded: ", error);
        Assert.Contains("apt-get install libtorch-dev libopenblas0-pthread", error);
    }

    [Fact]
    public void Find_WhereNothingIs_SaysWhatToBuild()
    {
        var error = Assert.Throws<DllNotFoundException>(() => Interop.ShimLibrary.Find(null, "/"));

        Assert.Contains("Shared/StandIns/TorchSharp/Native/build.sh", error.Message);
    }

    /// <summary>One process for each setting serves several tests.</summary>
    private static string PinAndTrain(string isa, int threads)
    {
        if (!Answers.TryGetValue((isa, threads), out var answer))
        {
            answer = Answers[(isa, threads)] = Child.Run(nameof(ChildPrograms.PinAndTrain), $"{isa} {threads} 0");
        }
        return answer;
    }

    private static void Has(string isa)
    {
        Assert.SkipUnless(X86Base.IsSupported, "Instruction-set levels are pinned on x86-64 only.");
        Assert.SkipUnless(NumericEnvironment.Levels.IndexOf(isa) <= NumericEnvironment.Levels.IndexOf(NumericEnvironment.HighestIsa()),
            $"This processor has no {isa}.");
    }
}
