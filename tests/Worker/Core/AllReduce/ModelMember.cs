using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Core.Tests.AllReduce;

/// <summary>A member whose numbers are strings: addition writes down its operands, so a wrong order, a missing or a doubled partial shows.</summary>
internal sealed class ModelMember(AllReducePlan plan)
{
    private readonly Dictionary<(long Step, TreeNode Node, ElementRange Range), string> _partials = [];
    private readonly Dictionary<ElementRange, string> _reduced = [];

    public AllReduceState State { get; private set; } = AllReduceState.Start(plan);

    public Generation? Decided { get; private set; }

    /// <summary>The reduced gradient, piece by piece.</summary>
    public IEnumerable<string> Reduced => _reduced.OrderBy(entry => entry.Key.Offset).Select(entry => entry.Value);

    public IEnumerable<(int To, SegmentHeader Header, string Payload)> Handle(AllReduceEvent @event, string payload = "")
    {
        var (next, effects) = AllReduceMachine.Step(State, @event);
        State = next;
        return effects.SelectMany(effect => Run(effect, @event, payload)).ToList();
    }

    public void Begin(long step, Generation prepared)
    {
        Decided = null;
        _reduced.Clear();
        Assert.Empty(Handle(new AllReduceEvent.StepBegun(step, prepared)));
    }

    /// <summary>What a member computes for a node: the same text whoever computes it.</summary>
    public static string ValueOf(TreeNode node, long step) =>
        node.IsLeaf ? $"{step}.{node.First}" : $"({ValueOf(node.Left, step)}+{ValueOf(node.Right, step)})";

    private IEnumerable<(int, SegmentHeader, string)> Run(AllReduceEffect effect, AllReduceEvent @event, string payload)
    {
        switch (effect)
        {
            case AllReduceEffect.SendPartial send:
                yield return (send.Member, Header(send.Node ?? default, send.Range, isGather: false, send.Prepared),
                    send.Node is { } node ? ValueOf(node, State.Step) : "");
                break;
            case AllReduceEffect.SendReduced send:
                foreach (var to in send.Members)
                {
                    yield return (to, Header(default, send.Range, isGather: true, send.LeastPrepared), _reduced.GetValueOrDefault(send.Range, ""));
                }

                break;
            case AllReduceEffect.CollectPiece collect:
                var sums = Reduce(collect.Range).ToList();
                foreach (var (sumNode, sum) in sums)
                {
                    yield return (collect.Parent, Header(sumNode, collect.Range, isGather: false, collect.Prepared), sum);
                }

                if (sums.Count == 0)
                {
                    yield return (collect.Parent, Header(default, collect.Range with { Length = 0 }, isGather: false, collect.Prepared), "");
                }

                break;
            case AllReduceEffect.StorePartial store:
                Assert.True(_partials.TryAdd((store.Step, store.Node, store.Range), payload));
                break;
            case AllReduceEffect.StoreReduced { Range.Length: 0 } or AllReduceEffect.ReducePiece { Range.Length: 0 }:
                break;
            case AllReduceEffect.StoreReduced store:
                Assert.True(_reduced.TryAdd(store.Range, payload));
                break;
            case AllReduceEffect.ReducePiece reduce:
                var (root, whole) = Assert.Single(Reduce(reduce.Range));
                Assert.Equal(plan.Tree.Root, root);
                _reduced.Add(reduce.Range, whole);
                break;
            case AllReduceEffect.Decided decided:
                Decided = decided.LeastPrepared;
                break;
            default:
                Assert.Fail($"{effect} after {@event}");
                break;
        }
    }

    private IEnumerable<(TreeNode Node, string Sum)> Reduce(ElementRange range)
    {
        foreach (var sum in plan.CollectionOf(State.Step, plan.CollectedAt(range.Offset)).Sums)
        {
            var values = sum.Inputs
                .Select(node => plan.In(State.Step).Nodes[plan.Self].Contains(node) ? ValueOf(node, State.Step) : _partials[(State.Step, node, range)]).ToArray();
            foreach (var (left, right) in sum.Additions)
            {
                values[left] = $"({values[left]}+{values[right]})";
            }

            yield return (sum.Node, values[0]);
        }
    }

    private SegmentHeader Header(TreeNode node, ElementRange range, bool isGather, Generation prepared) =>
        new(plan.Generation, State.Step, plan.Self, isGather, node, range, prepared);
}
