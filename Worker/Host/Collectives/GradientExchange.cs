using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;
using Orchestrator.Protocol.V1;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Core.AllReduce;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>The shell around <see cref="AllReduceMachine"/> for one generation: owns the numbers, carries the machine's effects out.</summary>
/// <remarks>
/// The training thread calls Begin and Reduce; receiving threads call Arrived and PeerLost. One lock orders them. A segment's addition runs on
/// the thread that brought the last partial of its piece.
/// </remarks>
internal sealed class GradientExchange : IDisposable
{
    private readonly Lock _gate = new();
    private readonly AllReducePlan _plan;
    private readonly RunId _run;
    private readonly Action<int, Segment> _send;
    private readonly PartialMemory _memory;
    private readonly Dictionary<TreeNode, float[]> _scratch = [];
    private AllReduceState _state;
    private Dictionary<TreeNode, HostGradient> _partials = [];
    private HostGradient? _reduced;
    private TaskCompletionSource<Generation> _decision = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="plan">The generation's.</param>
    /// <param name="run">Named in every segment.</param>
    /// <param name="appliedSteps">Steps applied before the generation starts.</param>
    /// <param name="send">Queues a segment for a member; must not block.</param>
    public GradientExchange(AllReducePlan plan, RunId run, long appliedSteps, Action<int, Segment> send)
    {
        (_plan, _run, _send) = (plan, run, send);
        _memory = new PartialMemory(plan);
        _state = AllReduceState.Start(plan, appliedSteps);
    }

    /// <summary>Bytes of payload sent so far.</summary>
    public long SentBytes { get; private set; }

    /// <summary>Native memory held for received partials.</summary>
    public long MemoryBytes => _memory.Bytes;

    /// <summary>Begins a step, before its gradients are computed: peers may be ahead.</summary>
    public void Begin(long step, Generation prepared)
    {
        lock (_gate)
        {
            _decision = new TaskCompletionSource<Generation>(TaskCreationOptions.RunContinuationsAsynchronously);
            Handle(new AllReduceEvent.StepBegun(step, prepared), default);
        }
    }

    /// <summary>Sends this member's partials and waits until the whole reduced gradient is held.</summary>
    /// <param name="partials">Of the maximal nodes that this member's logical ranks cover. Unchanged.</param>
    /// <param name="into">Gets the sum over all logical ranks.</param>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The generation that all members switch to after this step; the present one: they go on.</returns>
    /// <exception cref="ExchangeException">A peer was lost, or sent what it may not.</exception>
    public Generation Reduce(IReadOnlyList<Partial> partials, FlatBuffer into, CancellationToken cancellation)
    {
        using var reduced = HostGradient.For(into);
        Task<Generation> decision;
        lock (_gate)
        {
            _partials = partials.ToDictionary(partial => partial.Node, partial => HostGradient.Of(partial.Buffer));
            _reduced = reduced;
            decision = _decision.Task;
            Handle(new AllReduceEvent.PartialsReady(), default);
        }

        try
        {
            decision.Wait(cancellation);
        }
        catch (AggregateException error) when (error.InnerException is ExchangeException cause)
        {
            throw new ExchangeException(cause.Message);
        }
        finally
        {
            lock (_gate)
            {
                _reduced = null;
                foreach (var partial in _partials.Values)
                {
                    partial.Dispose();
                }

                _partials = [];
            }
        }

        reduced.CopyTo(into);
        return decision.Result;
    }

    public void Arrived(Segment segment)
    {
        lock (_gate)
        {
            Handle(new AllReduceEvent.SegmentArrived(segment.ToHeader()), segment.Payload.Span);
        }
    }

    public void PeerLost(int member, string reason)
    {
        lock (_gate)
        {
            Handle(new AllReduceEvent.PeerLost(member, reason), default);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _state = _state with { Failure = _state.Failure ?? "the generation has ended." };
            _memory.Dispose();
        }
    }

    private void Handle(AllReduceEvent @event, ReadOnlySpan<byte> payload)
    {
        (_state, var effects) = AllReduceMachine.Step(_state, @event);
        foreach (var effect in effects)
        {
            Run(effect, payload);
        }
    }

    private void Run(AllReduceEffect effect, ReadOnlySpan<byte> payload)
    {
        switch (effect)
        {
            case AllReduceEffect.SendPartial { Node: { } node } send:
                Send(send.Member, Header(node, send.Range, isGather: false, send.Prepared), _partials[node].Piece(send.Range));
                break;
            case AllReduceEffect.SendPartial send:
                Send(send.Member, Header(default, send.Range, isGather: false, send.Prepared), default);
                break;
            case AllReduceEffect.StorePartial store:
                MemoryMarshal.Cast<byte, float>(payload).CopyTo(_memory.Piece(store.Step, store.Node, store.Range));
                break;
            case AllReduceEffect.StoreReduced store:
                MemoryMarshal.Cast<byte, float>(payload).CopyTo(_reduced!.Piece(store.Range));
                break;
            case AllReduceEffect.ReducePiece reduce:
                ReducePiece(reduce.Range);
                break;
            case AllReduceEffect.SendReduced send:
                SendReduced(send);
                break;
            case AllReduceEffect.Decided decided:
                _decision.TrySetResult(decided.LeastPrepared);
                break;
            case AllReduceEffect.Fail fail:
                _decision.TrySetException(new ExchangeException(fail.Reason));
                break;
        }
    }

    /// <summary>Adds along the tree. Own partials stay as they are; received ones are spent, so they serve as the places of sums.</summary>
    private void ReducePiece(ElementRange range)
    {
        var result = _reduced!.Piece(range);
        var inputs = _plan.Merge.Inputs;
        if (inputs.Length == 1)
        {
            Input(inputs[0], range).CopyTo(result);
            return;
        }

        Span<bool> isSum = stackalloc bool[inputs.Length];
        var additions = _plan.Merge.Additions;
        for (var i = 0; i < additions.Length; i++)
        {
            var (left, right) = (additions[i].Left, additions[i].Right);
            var target = i == additions.Length - 1 ? result : Place(inputs[left], range);
            TensorPrimitives.Add(isSum[left] ? Place(inputs[left], range) : Input(inputs[left], range),
                isSum[right] ? Place(inputs[right], range) : Input(inputs[right], range), target);
            isSum[left] = true;
        }
    }

    private ReadOnlySpan<float> Input(TreeNode node, ElementRange range) =>
        _partials.TryGetValue(node, out var own) ? own.Piece(range) : _memory.Piece(_state.Step, node, range);

    /// <summary>Where the sum that begins at a node is kept: in the node's own place when it was received, else in a scratch of its own.</summary>
    private Span<float> Place(TreeNode node, ElementRange range) =>
        _partials.ContainsKey(node) ? Scratch(node, range) : _memory.Piece(_state.Step, node, range);

    private Span<float> Scratch(TreeNode node, ElementRange range)
    {
        if (!_scratch.TryGetValue(node, out var memory))
        {
            _scratch[node] = memory = GC.AllocateUninitializedArray<float>(_plan.Pieces[_plan.Self].Max(piece => (int)piece.Length), pinned: true);
        }

        return memory.AsSpan(0, (int)range.Length);
    }

    private void SendReduced(AllReduceEffect.SendReduced send)
    {
        if (_plan.Members.Length == 1)
        {
            return;
        }

        var header = Header(default, send.Range, isGather: true, send.LeastPrepared);
        var payload = ByteString.CopyFrom(MemoryMarshal.AsBytes(_reduced!.Piece(send.Range)));
        for (var distance = 1; distance < _plan.Members.Length; distance++)
        {
            SentBytes += payload.Length;
            _send((_plan.Self + distance) % _plan.Members.Length, header.ToSegment(_run, payload));
        }
    }

    private void Send(int member, SegmentHeader header, ReadOnlySpan<float> elements)
    {
        SentBytes += elements.Length * sizeof(float);
        _send(member, header.ToSegment(_run, ByteString.CopyFrom(MemoryMarshal.AsBytes(elements))));
    }

    private SegmentHeader Header(TreeNode node, ElementRange range, bool isGather, Generation prepared) =>
        new(_plan.Generation, _state.Step, _plan.Self, isGather, node, range, prepared);
}

/// <summary>An all-reduce could not be finished: which peer, which step, why.</summary>
internal sealed class ExchangeException(string message) : Exception(message);
