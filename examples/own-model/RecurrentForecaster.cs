// N: windows of a batch; H: hours of history; F: features of an hour; S: hidden units; Q: quantiles.
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OwnModel;

/// <summary>A minimal gated recurrent unit that reads a window hour by hour; [N, H, F] to [N, Q]. Written out to show a layer of one's own.</summary>
public sealed class RecurrentForecaster : nn.Module<Tensor, Tensor>
{
    private readonly Linear read;
    private readonly Linear gate;
    private readonly Linear candidate;
    private readonly Linear output;

    public RecurrentForecaster(long features, long hidden, long quantiles)
        : base(nameof(RecurrentForecaster))
    {
        read = nn.Linear(features, 2 * hidden);
        gate = nn.Linear(hidden, hidden);
        candidate = nn.Linear(hidden, hidden);
        output = nn.Linear(hidden, quantiles);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = candidate.weight!.shape[0];
        var seen = read.call(input); // [N, H, 2 S]: all hours at once; only what needs the state waits for it
        var state = zeros(input.shape[0], hidden, device: input.device); // [N, S]
        for (long hour = 0; hour < input.shape[1]; hour++)
        {
            var now = seen.select(1, hour); // [N, 2 S]
            var keep = (now.narrow(1, 0, hidden) + gate.call(state)).sigmoid(); // [N, S]
            var proposal = (now.narrow(1, hidden, hidden) + candidate.call(keep * state)).tanh(); // [N, S]
            state = (keep * state) + ((1 - keep) * proposal);
        }

        return output.call(state).MoveToOuterDisposeScope(); // [N, Q]
    }
}
