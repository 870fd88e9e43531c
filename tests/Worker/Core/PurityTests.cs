using System.Reflection;
using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Worker.Core.Tests;

public sealed class PurityTests
{
    [Fact]
    public void Core_NoMethod_ReturnsATask()
    {
        var offenders = typeof(WorkerMachine).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => method.ReturnType.FullName?.StartsWith("System.Threading.Tasks.", StringComparison.Ordinal) == true)
            .Select(method => $"{method.DeclaringType}.{method.Name}");
        Assert.Empty(offenders);
    }
}
