using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Tests.Server;

public sealed class WorkerConnectionTests
{
    /// <summary>An owner that froze with an order in the queue wrote it when it thawed, to a worker that waited longer than the lease.</summary>
    [Fact]
    public async Task ReadOrders_TheLeaseIsOverMeanwhile_WhatWaitsIsNotGiven()
    {
        var (connection, isOwner) = (new WorkerConnection(1), true);
        connection.Send(new CoordinatorMessage.Fence(new Generation(2), "in time"));
        connection.Send(new CoordinatorMessage.Fence(new Generation(3), "late"));
        connection.Close();
        var given = new List<CoordinatorMessage>();
        await foreach (var order in connection.ReadOrdersAsync(() => isOwner, TestContext.Current.CancellationToken))
        {
            given.Add(order);
            isOwner = false;
        }

        Assert.Equal([new CoordinatorMessage.Fence(new Generation(2), "in time")], given);
    }
}
