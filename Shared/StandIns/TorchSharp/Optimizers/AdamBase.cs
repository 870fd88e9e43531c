using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What Adam and AdamW share: all but where the weight decay goes.</summary>
public abstract class AdamBase : OptimizerHelper, optim.IBetas
{
    private protected AdamBase(
        IEnumerable<Modules.ParamGroup> parameters, double lr, double beta1, double beta2, double eps, double weight_decay, bool amsgrad, bool maximize)
    {
        var name = GetType().Name;
        NotNegative(name, nameof(lr), lr);
        NotNegative(name, nameof(eps), eps);
        NotNegative(name, nameof(weight_decay), weight_decay);
        BelowOne(name, nameof(beta1), beta1);
        BelowOne(name, nameof(beta2), beta2);
        _defaults = new Options
        {
            LearningRate = lr,
            beta1 = beta1,
            beta2 = beta2,
            eps = eps,
            weight_decay = weight_decay,
            amsgrad = amsgrad,
            maximize = maximize,
        };
        foreach (var group in parameters)
        {
            add_param_group(group);
        }
    }

    public (double, double) Betas
    {
        get => (((Options)_defaults).beta1!.Value, ((Options)_defaults).beta2!.Value);
        set
        {
            foreach (var options in _parameter_groups.Select(group => (Options)group.Options!).Append((Options)_defaults))
            {
                (options.beta1, options.beta2) = value;
            }
        }
    }

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        var defaults = (Options)_defaults;
        var options = (Options)(param_group.Options ??= new Options());
        options.LearningRate ??= defaults.LearningRate;
        options.beta1 ??= defaults.beta1;
        options.beta2 ??= defaults.beta2;
        options.eps ??= defaults.eps;
        options.weight_decay ??= defaults.weight_decay;
        options.amsgrad ??= defaults.amsgrad;
        options.maximize ??= defaults.maximize;
        Add(param_group, parameter => new State(parameter));
    }

    // The order of operations is PyTorch's, so that the roundings are too.
    public override Tensor? step(Func<Tensor>? closure = null) => Step<Options, State>(closure, (param, grad, options, state) =>
    {
        var (beta1, beta2) = (options.beta1!.Value, options.beta2!.Value);
        state.step++;
        var gradient = options.maximize!.Value ? grad.neg() : grad;
        gradient = Decay(param, gradient, options, state.Scratch);
        state.exp_avg!.mul_(beta1).add_(gradient, 1 - beta1);
        state.exp_avg_sq!.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
        var correction1 = 1 - Math.Pow(beta1, state.step);
        var correction2 = 1 - Math.Pow(beta2, state.step);
        var second = state.exp_avg_sq;
        if (options.amsgrad!.Value)
        {
            MaximumInto.Run(state.max_exp_avg_sq, state.exp_avg_sq, state.max_exp_avg_sq);
            second = state.max_exp_avg_sq!;
        }
        SqrtInto.Run(second, state.Scratch);
        var denominator = state.Scratch.div_(Math.Sqrt(correction2)).add_(options.eps!.Value);
        param.addcdiv_(state.exp_avg, denominator, -(options.LearningRate!.Value / correction1));
    });

    /// <summary>Applies the weight decay to the parameter or to the gradient.</summary>
    /// <returns>The gradient that the moments take in; it may lie in the scratch.</returns>
    private protected abstract Tensor Decay(Tensor param, Tensor gradient, Options options, Tensor scratch);

    public class Options : OptimizerOptions
    {
        public double? beta1;
        public double? beta2;
        public double? weight_decay;
        public double? eps;
        public bool? amsgrad;
        public bool? maximize;

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            var other = (Options)source;
            (beta1, beta2, weight_decay, eps, amsgrad, maximize) =
                (other.beta1, other.beta2, other.weight_decay, other.eps, other.amsgrad, other.maximize);
        }
    }

    public class State(Parameter parameter) : OptimizerState(parameter)
    {
        public long step;
        public Tensor? exp_avg;
        public Tensor? exp_avg_sq;

        /// <summary>Null without amsgrad.</summary>
        public Tensor? max_exp_avg_sq;

        public override void Initialize(OptimizerOptions options)
        {
            Dispose();
            step = 0;
            exp_avg = Zeros(_parameter);
            exp_avg_sq = Zeros(_parameter);
            max_exp_avg_sq = ((Options)options).amsgrad == true ? Zeros(_parameter) : null;
        }

        public override void LoadStateDict(OptimizerState source)
        {
            var other = (State)source;
            step = other.step;
            Copy(other.exp_avg, ref exp_avg, _parameter);
            Copy(other.exp_avg_sq, ref exp_avg_sq, _parameter);
            Copy(other.max_exp_avg_sq, ref max_exp_avg_sq, _parameter);
        }

        public override void to(Device device)
        {
            Move(exp_avg, device);
            Move(exp_avg_sq, device);
            Move(max_exp_avg_sq, device);
        }

        public override bool ApproximatelyEquals(OptimizerState other) =>
            other is State state && step == state.step && Close(exp_avg, state.exp_avg) && Close(exp_avg_sq, state.exp_avg_sq) &&
            Close(max_exp_avg_sq, state.max_exp_avg_sq);

        public override void Dispose() => DisposeAll(exp_avg, exp_avg_sq, max_exp_avg_sq);
    }

    public class ParamGroup : ParamGroup<Options>
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
            double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : base(parameters, new Options
            {
                LearningRate = lr,
                beta1 = beta1,
                beta2 = beta2,
                eps = eps,
                weight_decay = weight_decay,
                amsgrad = amsgrad,
                maximize = maximize,
            })
        {
        }
    }
}
