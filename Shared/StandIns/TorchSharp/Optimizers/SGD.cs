using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Stochastic gradient descent, with momentum if wanted.</summary>
public class SGD : OptimizerHelper, optim.IMomentum
{
    public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0,
        bool nesterov = false, bool maximize = false)
        : this([new ParamGroup { Parameters = parameters }], lr, momentum, dampening, weight_decay, nesterov, maximize)
    {
    }

    public SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0,
        bool nesterov = false, bool maximize = false)
    {
        NotNegative(nameof(SGD), nameof(lr), lr);
        NotNegative(nameof(SGD), nameof(momentum), momentum);
        NotNegative(nameof(SGD), nameof(weight_decay), weight_decay);
        if (nesterov && (momentum <= 0 || dampening != 0))
        {
            throw new ArgumentException($"Nesterov's momentum needs a momentum above 0 and no dampening; they are {momentum} and {dampening}.");
        }
        _defaults = new Options
        {
            LearningRate = lr,
            momentum = momentum,
            dampening = dampening,
            weight_decay = weight_decay,
            nesterov = nesterov,
            maximize = maximize,
        };
        foreach (var group in parameters)
        {
            add_param_group(group);
        }
    }

    public double Momentum
    {
        get => ((Options)_defaults).momentum!.Value;
        set
        {
            foreach (var group in _parameter_groups)
            {
                ((Options)group.Options!).momentum = value;
            }
            ((Options)_defaults).momentum = value;
        }
    }

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        var defaults = (Options)_defaults;
        var options = (Options)(param_group.Options ??= new Options());
        options.LearningRate ??= defaults.LearningRate;
        options.momentum ??= defaults.momentum;
        options.dampening ??= defaults.dampening;
        options.weight_decay ??= defaults.weight_decay;
        options.nesterov ??= defaults.nesterov;
        options.maximize ??= defaults.maximize;
        Add(param_group, parameter => new State(parameter));
    }

    public override Tensor? step(Func<Tensor>? closure = null) => Step<Options, State>(closure, (param, grad, options, state) =>
    {
        var momentum = options.momentum!.Value;
        var direction = options.maximize!.Value ? grad.neg() : grad;
        if (options.weight_decay is { } decay && decay != 0)
        {
            // Into scratch, unless the gradient was copied already: the caller's gradient stays as it is.
            AddInto.Run(direction, param, decay, state.Scratch);
            direction = state.Scratch;
        }
        if (momentum != 0)
        {
            if (state.momentum_buffer is null)
            {
                state.momentum_buffer = direction.clone().DetachFromDisposeScope();
            }
            else
            {
                state.momentum_buffer.mul_(momentum).add_(direction, 1 - options.dampening!.Value);
            }
            if (options.nesterov!.Value)
            {
                AddInto.Run(direction, state.momentum_buffer, momentum, state.Scratch);
                direction = state.Scratch;
            }
            else
            {
                direction = state.momentum_buffer;
            }
        }
        param.add_(direction, -options.LearningRate!.Value);
    });

    public class Options : OptimizerOptions
    {
        public double? momentum;
        public double? dampening;
        public double? weight_decay;
        public bool? nesterov;
        public bool? maximize;

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            var other = (Options)source;
            (momentum, dampening, weight_decay, nesterov, maximize) =
                (other.momentum, other.dampening, other.weight_decay, other.nesterov, other.maximize);
        }
    }

    public class State(Parameter parameter) : OptimizerState(parameter)
    {
        /// <summary>Null before the first step with momentum.</summary>
        public Tensor? momentum_buffer;

        public override void Initialize(OptimizerOptions options)
        {
            momentum_buffer?.Dispose();
            momentum_buffer = null;
        }

        public override void LoadStateDict(OptimizerState source) => Copy(((State)source).momentum_buffer, ref momentum_buffer, _parameter);

        public override void to(Device device) => Move(momentum_buffer, device);

        public override bool ApproximatelyEquals(OptimizerState other) => other is State state && Close(momentum_buffer, state.momentum_buffer);

        public override void Dispose() => DisposeAll(momentum_buffer);
    }

    public class ParamGroup : ParamGroup<Options>
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0.0, double dampening = 0,
            double weight_decay = 0, bool nesterov = false, bool maximize = false)
            : base(parameters, new Options
            {
                LearningRate = lr,
                momentum = momentum,
                dampening = dampening,
                weight_decay = weight_decay,
                nesterov = nesterov,
                maximize = maximize,
            })
        {
        }
    }
}
