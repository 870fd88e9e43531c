using Orchestrator.Simulation.Owners;

namespace Orchestrator.Simulation.Tests;

/// <summary>Coordinators that share a store, under lost, late and doubled answers, freezes, deaths and a store that is down.</summary>
public sealed class OwnerTests
{
    /// <summary>Each seed takes a few milliseconds.</summary>
    private const int Seeds = 2000;

    private const int MostSeeds = 5000;

    public static TheoryData<OwnerBug> Bugs() => [.. Enum.GetValues<OwnerBug>().Where(bug => bug != OwnerBug.None)];

    [Fact]
    public void Play_ManySeeds_EveryPromiseIsKeptAndEveryFaultHappens() => Play(1, Seeds);

    [Fact, Trait("Category", "Long")]
    public void Play_AHundredThousandSeeds_EveryPromiseIsKept() => Play(1, 100_000);

    [Theory]
    [MemberData(nameof(Bugs))]
    public void Play_OneMistakeIsPlanted_IsCaught(OwnerBug bug)
    {
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            if (new OwnerCluster(seed, bug).Play() is { } violation)
            {
                TestContext.Current.SendDiagnosticMessage($"{bug}: seed {seed}: {violation}");
                return;
            }
        }

        Assert.Fail($"{MostSeeds} seeds did not show {bug}.");
    }

    private static void Play(int first, int count)
    {
        var gate = new Lock();
        var faults = new SortedDictionary<string, int>();
        var broken = new SortedDictionary<int, string>();
        Parallel.For(first, first + count, seed =>
        {
            var cluster = new OwnerCluster(seed);
            var violation = cluster.Play();
            lock (gate)
            {
                if (violation is not null)
                {
                    broken[seed] = violation;
                }

                foreach (var (kind, times) in cluster.Faults)
                {
                    faults[kind] = faults.GetValueOrDefault(kind) + times;
                }
            }
        });
        Assert.True(broken.Count == 0, $"{broken.Count} of {count} seeds broke a promise: {string.Join("\n", broken.Take(5).Select(entry => $"seed {entry.Key}: {entry.Value}"))}");
        TestContext.Current.SendDiagnosticMessage(string.Join(", ", faults.Select(fault => $"{fault.Value} {fault.Key}")));
        foreach (var kind in new[] { "freeze", "kill", "store down", "lost", "late", "doubled", "writes refused", "orders refused", "take-overs", "orders taken" })
        {
            Assert.True(faults.GetValueOrDefault(kind) > 0, $"No seed had: {kind}.");
        }
    }
}
