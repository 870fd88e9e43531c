using System.Collections.Immutable;
using Orchestrator.Core.Messages;

namespace Orchestrator.Protocol.Mapping;

/// <summary>Orders in the form in which they go out, found once for all members: an order to ten thousand of them lists ten thousand. Any thread.</summary>
public sealed class SharedOrders
{
    /// <summary>Orders that may be under way to slow and to fast streams at the same time.</summary>
    private const int Most = 4;

    private readonly Lock _lock = new();
    private readonly Queue<(object Order, ImmutableArray<Member> Former, V1.CoordinatorMessage Wire)> _known = new();

    /// <param name="order">Activate or Switch.</param>
    /// <param name="former">The list that came before on the stream; default: none.</param>
    internal V1.CoordinatorMessage Find(CoordinatorMessage order, ImmutableArray<Member> former)
    {
        lock (_lock)
        {
            foreach (var (known, list, wire) in _known)
            {
                if (ReferenceEquals(known, order) && list == former)
                {
                    return wire;
                }
            }

            var made = Make(order, former);
            _known.Enqueue((order, former, made));
            if (_known.Count > Most)
            {
                _known.Dequeue();
            }

            return made;
        }
    }

    private static V1.CoordinatorMessage Make(CoordinatorMessage order, ImmutableArray<Member> former)
    {
        var (members, behind) = order switch
        {
            CoordinatorMessage.Activate activate => (activate.Members, activate.Behind),
            CoordinatorMessage.Switch change => (change.Members, []),
            _ => throw new ArgumentOutOfRangeException(nameof(order), order.GetType().Name, "This order lists no members."),
        };
        CoordinatorMessage bare = order is CoordinatorMessage.Activate whole ? whole with { Members = [] } : (CoordinatorMessage.Switch)order with { Members = [] };
        if (!former.IsDefault && MemberChangesMapping.ToChanges(former, members, behind) is { } changes)
        {
            return With(bare, changes, null);
        }

        var plain = order.ToWire();
        return MemberListMapping.ToList(members) is { } list && With(bare, null, list) is var packed && packed.CalculateSize() < plain.CalculateSize() ? packed : plain;
    }

    private static V1.CoordinatorMessage With(CoordinatorMessage bare, V1.MemberChanges? changes, V1.MemberList? list)
    {
        var wire = bare.ToWire();
        if (wire.Activate is { } activate)
        {
            (activate.Changes, activate.List) = (changes, list);
        }
        else
        {
            (wire.Switch.Changes, wire.Switch.List) = (changes, list);
        }

        return wire;
    }
}

/// <summary>The orders of one stream on their way out: a list of members goes out as what differs from the one before. In the order in which they are written.</summary>
/// <param name="shared">Of all streams.</param>
public sealed class OrderWriter(SharedOrders shared)
{
    private ImmutableArray<Member> _former;

    public V1.CoordinatorMessage ToWire(CoordinatorMessage order)
    {
        if (Members(order) is not { IsDefault: false } members)
        {
            return order.ToWire();
        }

        var wire = shared.Find(order, _former);
        _former = members;
        return wire;
    }

    internal static ImmutableArray<Member> Members(CoordinatorMessage order) => order switch
    {
        CoordinatorMessage.Activate activate => activate.Members,
        CoordinatorMessage.Switch change => change.Members,
        _ => default,
    };
}

/// <summary>The orders of one stream as they come in; the other end of <see cref="OrderWriter"/>.</summary>
public sealed class OrderReader
{
    private ImmutableArray<Member> _former;

    /// <returns>Null for a message that this version does not know.</returns>
    /// <exception cref="InvalidOperationException">It changes a list of members that has not come, or its list cannot be read.</exception>
    public CoordinatorMessage? ToDomain(V1.CoordinatorMessage wire)
    {
        var order = wire.ToDomain();
        order = order switch
        {
            CoordinatorMessage.Activate activate when Listed(wire.Activate.Changes, wire.Activate.List, activate.Behind) is { IsDefault: false } listed => activate with { Members = listed },
            CoordinatorMessage.Switch change when Listed(wire.Switch.Changes, wire.Switch.List, []) is { IsDefault: false } listed => change with { Members = listed },
            _ => order,
        };
        if (order is not null && OrderWriter.Members(order) is { IsDefault: false } members)
        {
            _former = members;
        }

        return order;
    }

    /// <returns>Default: the members stand in the order itself.</returns>
    private ImmutableArray<Member> Listed(V1.MemberChanges? changes, V1.MemberList? list, ImmutableArray<int> behind) =>
        changes is not null ? Apply(changes, behind) : list is not null ? MemberListMapping.ToMembers(list) : default;

    private ImmutableArray<Member> Apply(V1.MemberChanges changes, ImmutableArray<int> behind) => _former.IsDefault
        ? throw new InvalidOperationException("The coordinator changed a list of members that it had not sent on this stream.")
        : MemberChangesMapping.Apply(_former, changes, behind);
}
