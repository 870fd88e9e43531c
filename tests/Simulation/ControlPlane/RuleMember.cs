using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Simulation.ControlPlane;

/// <summary>A member that answers orders as Protocol/GENERATIONS.md has it, and computes nothing.</summary>
/// <remarks>A real member keeps a table of all members, which is a gigabyte for ten thousand of them in one process; what it says is the same (a test compares the two).</remarks>
internal sealed class RuleMember(WorkerId id, int number)
{
    private Member? _place;

    public WorkerId Id => id;

    public bool IsDead { get; set; }

    /// <summary>The last step that it has decided, and applied.</summary>
    public long Decided { get; set; }

    public Generation In { get; private set; } = Generation.None;

    public static WorkerMessage.Hello Hello(int number) => new(number, $"host-{number:D5}", $"10.0.{number / 250}.{number % 250}:29500", "", "avx2", "cpu", "", "sim");

    /// <param name="order">What the coordinator orders.</param>
    /// <param name="placeIn">Finds its place among an order's members; null: it has none.</param>
    /// <param name="highest">The last step that any member has decided.</param>
    public WorkerMessage? Answer(CoordinatorMessage order, Func<ImmutableArray<Member>, WorkerId, Member?> placeIn, long highest)
    {
        switch (order)
        {
            case CoordinatorMessage.Prepare prepare:
                return new WorkerMessage.Prepared(
                    prepare.Generation, 1_000_000, "data", ImmutableSortedDictionary<string, string>.Empty.Add("libtorch", "1.13.1"), "canary", "state", 0, 25_000_000, 1, 100_000_000);
            case CoordinatorMessage.Activate activate:
                (In, Decided, _place) = (activate.Generation, activate.StartStep, placeIn(activate.Members, id));
                return new WorkerMessage.Entered(In, Decided);
            case CoordinatorMessage.Switch change:
                (In, Decided, _place) = (change.Generation, highest, placeIn(change.Members, id));
                return _place is null ? new WorkerMessage.Left(In, Decided) : new WorkerMessage.Entered(In, Decided);
            case CoordinatorMessage.Fence fence:
                ImmutableArray<RankRange> held = _place is { RankCount: > 0 } place ? [new RankRange(place.FirstRank, place.RankCount)] : [];
                return new WorkerMessage.Fenced(fence.Generation, Decided, held, HasReduced: true);
            case CoordinatorMessage.Follow follow:
                return new WorkerMessage.Followed(follow.FeedId, highest);
            default:
                return null;
        }
    }

    public WorkerMessage.Progress Report() => new(In, Decided, 1, 1, 1, 0.001, new StepSeconds(1, 0.1, 0.5, 0.3, 0.1), 100_000_000)
    {
        Ledger = _place is { RankCount: > 0 } place ? [new(Decided, place.FirstRank, 1, new((ulong)number, (ulong)Decided))] : [],
    };
}
