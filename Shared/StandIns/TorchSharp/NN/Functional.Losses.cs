using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>How a loss becomes one number. The numbers are libtorch's.</summary>
        public enum Reduction
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static partial class functional
        {
            private static readonly Operator _cross_entropy = new("aten::cross_entropy_loss");
            private static readonly Operator _nll_loss = new("aten::nll_loss_nd");
            private static readonly Operator _mse_loss = new("aten::mse_loss");
            private static readonly Operator _l1_loss = new("aten::l1_loss");
            private static readonly Operator _huber_loss = new("aten::huber_loss");
            private static readonly Operator _smooth_l1_loss = new("aten::smooth_l1_loss");
            private static readonly Operator _binary_cross_entropy = new("aten::binary_cross_entropy");
            private static readonly Operator _binary_cross_entropy_with_logits = new("aten::binary_cross_entropy_with_logits");
            private static readonly Operator _kl_div = new("aten::kl_div");

            /// <summary>Of unnormalised scores <c>[N, C]</c> or <c>[N, C, ...]</c> against class numbers or probabilities.</summary>
            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100,
                Reduction reduction = Reduction.Mean, double label_smoothing = 0.0) =>
                _cross_entropy.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, long ignore_index = -100) =>
                _nll_loss.Call(input, target, weight, (long)reduction, ignore_index);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                _mse_loss.Call(input, target, (long)reduction);

            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                _l1_loss.Call(input, target, (long)reduction);

            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1.0, Reduction reduction = Reduction.Mean) =>
                _huber_loss.Call(input, target, (long)reduction, delta);

            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1.0) =>
                _smooth_l1_loss.Call(input, target, (long)reduction, beta);

            /// <summary>Of probabilities.</summary>
            public static Tensor binary_cross_entropy(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                _binary_cross_entropy.Call(input, target, weight, (long)reduction);

            /// <summary>Of unnormalised scores.</summary>
            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null,
                Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) =>
                _binary_cross_entropy_with_logits.Call(input, target, weight, pos_weights, (long)reduction);

            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                _kl_div.Call(input, target, (long)reduction, log_target);

            /// <summary>
            /// Attention in the plain way, so that its bits do not depend on which fused kernel a build of libtorch has.
            /// Shapes: query <c>[..., L, E]</c>, key and value <c>[..., S, E]</c>.
            /// </summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0,
                bool is_casual = false)
            {
                using var scope = NewDisposeScope();
                var scores = (query * (1.0 / Math.Sqrt(query.size(-1)))).matmul(key.transpose(-2, -1));   // [..., L, S]
                if (is_casual)
                {
                    var allowed = ones(query.size(-2), key.size(-2), ScalarType.Bool, query.device).tril();
                    scores = scores.masked_fill(allowed.logical_not(), double.NegativeInfinity);
                }
                if (attn_mask is not null)
                {
                    scores = attn_mask.dtype == ScalarType.Bool
                        ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity)
                        : scores + attn_mask;
                }
                var weights = scores.softmax(-1);
                if (p > 0)
                {
                    weights = dropout(weights, p);
                }
                return weights.matmul(value).MoveToOuterDisposeScope();
            }
        }
    }
}
