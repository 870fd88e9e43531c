using Orchestrator.Coordinator.Host.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

public sealed class NearestKeyTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("steps", "stpes", 1)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("learning_rate", "learningrate", 1)]
    public void Distance_CountsSlips(string from, string to, int expected)
    {
        Assert.Equal(expected, NearestKey.Distance(from, to));
        Assert.Equal(expected, NearestKey.Distance(to, from));
    }

    [Theory]
    [InlineData("learning_rate", "learningRate")]
    [InlineData("LearningRate", "learningRate")]
    [InlineData("stps", "steps")]
    [InlineData("zzz", null)]
    [InlineData("lr", null)]
    public void Find_TypedKey_GivesTheMeantOneOrNone(string typed, string? expected) =>
        Assert.Equal(expected, NearestKey.Find(typed, ["learningRate", "steps", "kind", "epochs"]));
}
