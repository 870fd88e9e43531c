using System.Reflection;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Core.Tests;

public sealed class PurityTests
{
    /// <summary>A method that returns a task acts, or waits for somebody who does.</summary>
    [Fact]
    public void EveryMethod_OfTheCore_ReturnsNoTask()
    {
        var tasks = typeof(ClusterMachine).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(method => typeof(Task).IsAssignableFrom(method.ReturnType) || method.ReturnType == typeof(ValueTask)
                || (method.ReturnType.IsGenericType && method.ReturnType.GetGenericTypeDefinition() == typeof(ValueTask<>)));

        Assert.Empty(tasks);
    }

    [Fact]
    public void EveryRecordOfTheMachines_IsClosed()
    {
        foreach (var root in new[] { typeof(ClusterEvent), typeof(ClusterEffect), typeof(RunEvent), typeof(RunEffect), typeof(RunPhase), typeof(RunRecord) })
        {
            var cases = root.Assembly.GetTypes().Where(type => type.BaseType == root).ToList();
            Assert.NotEmpty(cases);
            Assert.All(cases, type => Assert.True(type.IsSealed && type.DeclaringType == root, $"{type} must be a sealed record inside {root.Name}."));
        }
    }
}
