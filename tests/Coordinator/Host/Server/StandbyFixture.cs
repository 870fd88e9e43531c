using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Coordinator.Host.Standby;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>A coordinator that stands by on free loopback ports, and one that can be told to be the owner.</summary>
internal sealed class StandbyFixture : IAsyncDisposable
{
    private StandbyFixture(CoordinatorFixture owner, Front front, OwnerSight sight, OwnershipCounts counts, StandbyServer server) =>
        (Owner, Front, Sight, Counts, Server) = (owner, front, sight, counts, server);

    public CoordinatorFixture Owner { get; }

    public Front Front { get; }

    public OwnerSight Sight { get; }

    public OwnershipCounts Counts { get; }

    public StandbyServer Server { get; }

    /// <summary>Of the standby's JSON API.</summary>
    public string Http => Front.Http.ToString();

    public static async Task<StandbyFixture> StartAsync()
    {
        var owner = await CoordinatorFixture.StartAsync();
        var options = new CoordinatorOptions
        {
            Listen = Endpoint.Loopback(0), Http = Endpoint.Loopback(0), RunsFolder = owner.Folder, Access = new AccessOptions { Tokens = TestTokens.Source },
        };
        var front = await Front.StartAsync(options, logging => logging.SetMinimumLevel(LogLevel.None));
        var (sight, counts) = (new OwnerSight(front.Grpc.ToString(), TimeProvider.System) { HttpSelf = front.Http.ToString() }, new OwnershipCounts());
        var standby = await StandbyServer.StartAsync(options, sight, counts, logging => logging.SetMinimumLevel(LogLevel.None));
        front.Show(standby.Server);
        return new StandbyFixture(owner, front, sight, counts, standby);
    }

    /// <summary>The store says that the other owns the runs.</summary>
    public void SeeOwner() => See(Owner.Address, Owner.Server.Http.ToString());

    /// <summary>The store says that somebody owns the runs.</summary>
    public void See(string address, string http = "", TimeSpan? remaining = null, long term = 3) => Sight.See(
        new Lease("runs", "other", address, term, remaining ?? TimeSpan.FromMinutes(5)) { HttpAddress = http }, $"other at {address} owns runs under term {term}.");

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Front.DisposeAsync();
        Sight.Dispose();
        await Owner.DisposeAsync();
    }
}
