namespace Orchestrator.Simulation.Tests;

public sealed class PlantedBugTests
{
    private const int MostSeeds = 10_000;

    public static TheoryData<string> Names() => [.. PlantedBugs.All.Select(bug => bug.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Play_OneLineIsWrong_IsCaughtWithinTenThousandSeeds(string name)
    {
        var bug = PlantedBugs.All.Single(each => each.Name == name);
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            if (new SimCluster(seed, bug).Play() is { } violation)
            {
                TestContext.Current.SendDiagnosticMessage($"{name}: seed {seed}: {violation}");
                return;
            }
        }

        Assert.Fail($"{MostSeeds} seeds did not show that {name}.");
    }

    public static TheoryData<string> OwnerNames() => [.. PlantedBugs.OfOwners.Select(bug => bug.Name)];

    [Theory]
    [MemberData(nameof(OwnerNames))]
    public void Play_OneLineIsWrongWhereOwnersDie_IsCaught(string name)
    {
        var bug = PlantedBugs.OfOwners.Single(each => each.Name == name);
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            if (new SimCluster(seed, bug, isOwned: true).Play() is { } violation)
            {
                TestContext.Current.SendDiagnosticMessage($"{name}: seed {seed}: {violation}");
                return;
            }
        }

        Assert.Fail($"{MostSeeds} seeds did not show that {name}.");
    }
}
