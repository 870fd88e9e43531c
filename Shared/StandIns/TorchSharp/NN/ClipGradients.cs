using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static class utils
        {
            /// <summary>
            /// Scales all gradients so that their joint norm is at most <paramref name="max_norm"/>. Returns the norm that they had.
            /// </summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> parameters, double max_norm, double norm_type = 2.0)
            {
                using var withoutGraph = no_grad();
                using var scope = NewDisposeScope();
                var gradients = parameters.Select(parameter => parameter.grad).OfType<Tensor>().ToArray();
                if (gradients.Length == 0)
                {
                    return 0;
                }
                var total = stack(gradients.Select(gradient => gradient.detach().norm((float)norm_type))).norm((float)norm_type).ToDouble();
                var scale = max_norm / (total + 1e-6);
                if (scale < 1)
                {
                    foreach (var gradient in gradients)
                    {
                        gradient.detach().mul_(scale);
                    }
                }
                return total;
            }
        }
    }
}
