using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            private static readonly Operator _linear = new("aten::linear");
            private static readonly Operator _embedding = new("aten::embedding");
            private static readonly Operator _layer_norm = new("aten::layer_norm");
            private static readonly Operator _group_norm = new("aten::group_norm");
            private static readonly Operator _batch_norm = new("aten::batch_norm");
            private static readonly Operator _dropout = new("aten::dropout");
            private static readonly Operator _dropout_ = new("aten::dropout_");

            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => _linear.Call(input, weights, bias);

            /// <summary>Rows of <paramref name="weight"/>, picked by whole numbers.</summary>
            public static Tensor embedding(Tensor input, Tensor weight, long? padding_idx = null, bool scale_grad_by_freq = false, bool sparse = false) =>
                _embedding.Call(weight, input, padding_idx ?? -1, scale_grad_by_freq, sparse);

            public static Tensor one_hot(Tensor x, long num_classes = -1) => x.one_hot(num_classes);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) =>
                _layer_norm.Call(input, normalized_shape, weight, bias, eps);

            public static Tensor group_norm(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) =>
                _group_norm.Call(input, num_groups, weight, bias, eps);

            public static Tensor batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight = null, Tensor? bias = null,
                bool training = false, double momentum = 0.1, double eps = 1e-05) =>
                _batch_norm.Call(input, weight, bias, running_mean, running_var, training, momentum, eps, backends.cudnn_enabled);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false)
            {
                if (!inplace)
                {
                    return _dropout.Call(input, p, training);
                }
                _dropout_.Run(input, p, training);
                return input.alias();
            }

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_().alias() : x.relu();

            public static Tensor silu(Tensor x, bool inplace = false)
            {
                if (!inplace)
                {
                    return x.silu();
                }
                _silu_.Run(x);
                return x.alias();
            }

            public static Tensor gelu(Tensor x, Modules.GELU.Approximate approximate = Modules.GELU.Approximate.none) => x.gelu(approximate.ToString());

            public static Tensor sigmoid(Tensor x) => x.sigmoid();

            public static Tensor tanh(Tensor x) => x.tanh();

            public static Tensor softmax(Tensor x, long dim, ScalarType? dtype = null) => x.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim, ScalarType? dtype = null) => x.log_softmax(dim, dtype);

            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false)
            {
                if (!inplace)
                {
                    return _leaky_relu.Call(input, negative_slope);
                }
                _leaky_relu_.Run(input, negative_slope);
                return input.alias();
            }

            public static Tensor elu(Tensor x, double alpha = 1.0) => _elu.Call(x, alpha);

            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => _softplus.Call(x, beta, threshold);

            private static readonly Operator _silu_ = new("aten::silu_");
            private static readonly Operator _leaky_relu = new("aten::leaky_relu");
            private static readonly Operator _leaky_relu_ = new("aten::leaky_relu_");
            private static readonly Operator _elu = new("aten::elu");
            private static readonly Operator _softplus = new("aten::softplus");
        }
    }
}
