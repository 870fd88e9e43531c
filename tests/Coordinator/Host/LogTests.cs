using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Orchestrator.Coordinator.Tests;

public sealed class LogTests
{
    [Fact]
    public void EventIds_OfTheProgram_AreUnique()
    {
        var ids = typeof(Host.ExitCodes).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(method => (method.Name, Message: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(log => log.Message is not null)
            .ToList();

        Assert.NotEmpty(ids);
        Assert.Empty(ids.GroupBy(log => log.Message!.EventId).Where(group => group.Count() > 1).Select(group => string.Join(", ", group.Select(log => log.Name))));
        Assert.All(ids, log => Assert.InRange(log.Message!.EventId, 1000, 1999));
    }
}
