using TorchSharp.Extensions;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What the optimizers share: their groups, one state for each parameter, and the frame of a step.</summary>
public abstract class OptimizerHelper : optim.Optimizer
{
    protected readonly Dictionary<nint, OptimizerState> _state = [];
    protected OptimizerOptions _defaults = new();

    private protected static readonly Operator SqrtInto = new("aten::sqrt", "out");
    private protected static readonly Operator MaximumInto = new("aten::maximum", "out");
    private protected static readonly Operator NegInto = new("aten::neg", "out");
    private protected static readonly Operator AddInto = new("aten::add", "out");

    public virtual StateDictionary state_dict()
    {
        var dictionary = new StateDictionary();
        foreach (var group in _parameter_groups)
        {
            dictionary.Options.Add(group.Options!);
            dictionary.State.AddRange(group.Parameters.Select(parameter => _state[parameter.Handle]));
        }
        return dictionary;
    }

    /// <summary>Copies options and states. The parameters' order is what pairs them.</summary>
    public virtual void load_state_dict(StateDictionary state_dict)
    {
        var own = this.state_dict();
        if (own.Options.Count != state_dict.Options.Count || own.State.Count != state_dict.State.Count)
        {
            throw new ArgumentException($"The state has {state_dict.Options.Count} groups and {state_dict.State.Count} parameters; " +
                $"this optimizer has {own.Options.Count} and {own.State.Count}.");
        }
        for (var i = 0; i < own.Options.Count; i++)
        {
            own.Options[i].LoadStateDict(state_dict.Options[i]);
        }
        for (var i = 0; i < own.State.Count; i++)
        {
            own.State[i].LoadStateDict(state_dict.State[i]);
        }
    }

    public void to(Device device)
    {
        foreach (var state in _state.Values)
        {
            state.to(device);
        }
    }

    protected void Add(ParamGroup group, Func<Parameter, OptimizerState> newState)
    {
        group.Parameters = group.Parameters.ToArray();
        group.Options!.InitialLearningRate = group.Options.LearningRate!.Value;
        foreach (var parameter in group.Parameters)
        {
            if (_state.ContainsKey(parameter.Handle))
            {
                throw new ArgumentException($"A parameter of shape [{string.Join(", ", parameter.shape)}] is in the optimizer twice.");
            }
            var state = newState(parameter);
            state.Initialize(group.Options);
            _state[parameter.Handle] = state;
        }
        _parameter_groups.Add(group);
    }

    /// <summary>Calls <paramref name="update"/> for every parameter that has a gradient, without recording a graph.</summary>
    protected Tensor? Step<TOptions, TState>(Func<Tensor>? closure, Action<Parameter, Tensor, TOptions, TState> update)
        where TOptions : OptimizerOptions where TState : OptimizerState
    {
        Tensor? loss = null;
        if (closure is not null)
        {
            using var _ = enable_grad();
            loss = closure();
        }
        using var withoutGraph = no_grad();
        using var scope = NewDisposeScope();
        foreach (var group in _parameter_groups)
        {
            var options = (TOptions)group.Options!;
            foreach (var parameter in group.Parameters)
            {
                if (parameter.grad is { } gradient)
                {
                    update(parameter, gradient, options, (TState)_state[parameter.Handle]);
                }
            }
        }
        return loss;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var state in _state.Values)
            {
                state.Dispose();
            }
            _state.Clear();
        }
        base.Dispose(disposing);
    }

    private protected static void NotNegative(string optimizer, string name, double value)
    {
        if (!(value >= 0))
        {
            throw new ArgumentOutOfRangeException(name, value, $"{optimizer}: {name} may not be negative.");
        }
    }

    private protected static void BelowOne(string optimizer, string name, double value)
    {
        NotNegative(optimizer, name, value);
        if (value >= 1)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{optimizer}: {name} must be below 1.");
        }
    }
}
