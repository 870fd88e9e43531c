using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            private static readonly Operator _conv1d = new("aten::conv1d");
            private static readonly Operator _conv2d = new("aten::conv2d");
            private static readonly Operator _max_pool2d = new("aten::max_pool2d");
            private static readonly Operator _avg_pool2d = new("aten::avg_pool2d");
            private static readonly Operator _adaptive_avg_pool2d = new("aten::adaptive_avg_pool2d");
            private static readonly Operator _pad = new("aten::constant_pad_nd");
            private static readonly Operator _unfold = new("aten::im2col");

            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null,
                long? stride = null, long? padding = null, long? dilation = null, long groups = 1) =>
                _conv1d.Call(input, weight, bias, new[] { stride ?? 1 }, new[] { padding ?? 0 }, new[] { dilation ?? 1 }, groups);

            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null,
                long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) =>
                _conv2d.Call(input, weight, bias, strides ?? [1, 1], padding ?? [0, 0], dilation ?? [1, 1], groups);

            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null,
                long[]? dilation = null, bool ceil_mode = false) =>
                _max_pool2d.Call(input, kernel_size, strides ?? [], padding ?? [0, 0], dilation ?? [1, 1], ceil_mode);

            public static Tensor max_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0, long dilation = 1,
                bool ceil_mode = false) =>
                max_pool2d(input, [kernel_size, kernel_size], stride is { } step ? [step, step] : null, [padding, padding], [dilation, dilation], ceil_mode);

            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null,
                bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                _avg_pool2d.Call(input, kernel_size, strides ?? [], padding ?? [0, 0], ceil_mode, count_include_pad, divisor_override);

            public static Tensor avg_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0,
                bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(input, [kernel_size, kernel_size], stride is { } step ? [step, step] : null, [padding, padding], ceil_mode,
                    count_include_pad, divisor_override);

            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size) => _adaptive_avg_pool2d.Call(input, output_size);

            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => adaptive_avg_pool2d(input, [output_size, output_size]);

            /// <summary>Pads with a constant; two numbers for each dimension, the last dimension first.</summary>
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                mode is PaddingModes.Constant or PaddingModes.Zeros
                    ? _pad.Call(input, pad, value)
                    : throw new ArgumentException($"The padding mode {mode} is not offered here. Use Constant.", nameof(mode));

            public static Tensor unfold(Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                _unfold.Call(input, new[] { kernel_size, kernel_size }, new[] { dilation, dilation }, new[] { padding, padding }, new[] { stride, stride });
        }
    }
}

public enum PaddingModes
{
    Zeros = 0,
    Reflect = 1,
    Replicate = 2,
    Circular = 3,
    Constant = 4,
}

public enum Padding
{
    Valid = 0,
    Same = 1,
}
