using TorchSharp.Extensions;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Hinton's RMSprop: each step is divided by a running root mean square of the gradient.</summary>
public class RMSProp : OptimizerHelper, optim.IMomentum
{
    private static readonly Operator AddcmulInto = new("aten::addcmul", "out");

    public RMSProp(IEnumerable<Parameter> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0,
        double momentum = 0.0, bool centered = false, bool maximize = false)
        : this([new ParamGroup { Parameters = parameters }], lr, alpha, eps, weight_decay, momentum, centered, maximize)
    {
    }

    public RMSProp(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0,
        double momentum = 0.0, bool centered = false, bool maximize = false)
    {
        NotNegative(nameof(RMSProp), nameof(lr), lr);
        NotNegative(nameof(RMSProp), nameof(alpha), alpha);
        NotNegative(nameof(RMSProp), nameof(eps), eps);
        NotNegative(nameof(RMSProp), nameof(weight_decay), weight_decay);
        NotNegative(nameof(RMSProp), nameof(momentum), momentum);
        _defaults = new Options
        {
            LearningRate = lr,
            alpha = alpha,
            eps = eps,
            weight_decay = weight_decay,
            momentum = momentum,
            centered = centered,
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
            foreach (var options in _parameter_groups.Select(group => (Options)group.Options!).Append((Options)_defaults))
            {
                options.momentum = value;
            }
        }
    }

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        var defaults = (Options)_defaults;
        var options = (Options)(param_group.Options ??= new Options());
        options.LearningRate ??= defaults.LearningRate;
        options.alpha ??= defaults.alpha;
        options.eps ??= defaults.eps;
        options.weight_decay ??= defaults.weight_decay;
        options.momentum ??= defaults.momentum;
        options.centered ??= defaults.centered;
        options.maximize ??= defaults.maximize;
        Add(param_group, parameter => new State(parameter));
    }

    // The order of operations is PyTorch's, so that the roundings are too.
    public override Tensor? step(Func<Tensor>? closure = null) => Step<Options, State>(closure, (param, grad, options, state) =>
    {
        var (alpha, eps, rate) = (options.alpha!.Value, options.eps!.Value, options.LearningRate!.Value);
        state.step++;
        var gradient = options.maximize!.Value ? grad.neg() : grad;
        if (options.weight_decay is { } decay && decay != 0)
        {
            gradient = gradient.add(param, decay);
        }
        state.square_avg!.mul_(alpha).addcmul_(gradient, gradient, 1 - alpha);
        var average = state.Scratch;
        if (options.centered!.Value)
        {
            state.grad_avg!.mul_(alpha).add_(gradient, 1 - alpha);
            AddcmulInto.Run(state.square_avg, state.grad_avg, state.grad_avg, -1, average);
            average.sqrt_().add_(eps);
        }
        else
        {
            SqrtInto.Run(state.square_avg, average);
            average.add_(eps);
        }
        if (options.momentum!.Value > 0)
        {
            state.momentum_buffer!.mul_(options.momentum.Value).addcdiv_(gradient, average);
            param.add_(state.momentum_buffer, -rate);
        }
        else
        {
            param.addcdiv_(gradient, average, -rate);
        }
    });

    public class Options : OptimizerOptions
    {
        public bool? maximize;
        public double? momentum;
        public double? alpha;
        public double? eps;
        public double? weight_decay;
        public bool? centered;

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            var other = (Options)source;
            (maximize, momentum, alpha, eps, weight_decay, centered) =
                (other.maximize, other.momentum, other.alpha, other.eps, other.weight_decay, other.centered);
        }
    }

    public class State(Parameter parameter) : OptimizerState(parameter)
    {
        public long step;
        public Tensor? square_avg;

        /// <summary>Null without momentum.</summary>
        public Tensor? momentum_buffer;

        /// <summary>Null unless centered.</summary>
        public Tensor? grad_avg;

        public override void Initialize(OptimizerOptions options)
        {
            Dispose();
            var own = (Options)options;
            step = 0;
            square_avg = Zeros(_parameter);
            momentum_buffer = own.momentum > 0 ? Zeros(_parameter) : null;
            grad_avg = own.centered == true ? Zeros(_parameter) : null;
        }

        public override void LoadStateDict(OptimizerState source)
        {
            var other = (State)source;
            step = other.step;
            Copy(other.square_avg, ref square_avg, _parameter);
            Copy(other.momentum_buffer, ref momentum_buffer, _parameter);
            Copy(other.grad_avg, ref grad_avg, _parameter);
        }

        public override void to(Device device)
        {
            Move(square_avg, device);
            Move(momentum_buffer, device);
            Move(grad_avg, device);
        }

        public override bool ApproximatelyEquals(OptimizerState other) =>
            other is State state && step == state.step && Close(square_avg, state.square_avg) &&
            Close(momentum_buffer, state.momentum_buffer) && Close(grad_avg, state.grad_avg);

        public override void Dispose() => DisposeAll(square_avg, momentum_buffer, grad_avg);
    }

    public class ParamGroup : ParamGroup<Options>
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double eps = 1e-8, double alpha = 0.99, double weight_decay = 0,
            double momentum = 0.0, bool centered = false)
            : base(parameters, new Options
            {
                LearningRate = lr,
                eps = eps,
                alpha = alpha,
                weight_decay = weight_decay,
                momentum = momentum,
                centered = centered,
            })
        {
        }
    }
}
