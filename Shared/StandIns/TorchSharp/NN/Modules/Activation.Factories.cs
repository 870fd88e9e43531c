using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static ReLU ReLU(bool inplace = false) => new(inplace);
        public static SiLU SiLU(bool inplace = false) => new(inplace);
        public static Sigmoid Sigmoid() => new();
        public static Tanh Tanh() => new();
        public static LeakyReLU LeakyReLU(double negative_slope = 0.01, bool inplace = false) => new(negative_slope, inplace);
        public static ELU ELU(double alpha = 1.0) => new(alpha);
        public static Softplus Softplus(double beta = 1.0, double threshold = 20) => new(beta, threshold);
        public static Softmax Softmax(long dim) => new(dim);
        public static LogSoftmax LogSoftmax(long dim) => new(dim);
        public static Identity Identity() => new();
        public static Flatten Flatten(long start_dim = 1, long end_dim = -1) => new(start_dim, end_dim);
        public static GELU GELU(GELU.Approximate approximate = Modules.GELU.Approximate.none) => new(approximate);
        public static Dropout Dropout(double p = 0.5, bool inplace = false) => new(p, inplace);
    }
}
