using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Products, activations, gathering and masking.
    public partial class Tensor
    {
        private static readonly Operator _matmul = new("aten::matmul"); public Tensor matmul(Tensor target) => _matmul.Call(this, target);
        private static readonly Operator _mm = new("aten::mm"); public Tensor mm(Tensor target) => _mm.Call(this, target);
        private static readonly Operator _bmm = new("aten::bmm"); public Tensor bmm(Tensor batch2) => _bmm.Call(this, batch2);
        private static readonly Operator _mv = new("aten::mv"); public Tensor mv(Tensor target) => _mv.Call(this, target);
        private static readonly Operator _dot = new("aten::dot"); public Tensor dot(Tensor target) => _dot.Call(this, target);
        private static readonly Operator _outer = new("aten::outer"); public Tensor outer(Tensor vec2) => _outer.Call(this, vec2);
        private static readonly Operator _addmm = new("aten::addmm");
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => _addmm.Call(this, mat1, mat2, (double)beta, (double)alpha);
        private static readonly Operator _baddbmm = new("aten::baddbmm");

        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) =>
            _baddbmm.Call(this, batch1, batch2, (double)beta, (double)alpha);

        private static readonly Operator _softmax = new("aten::softmax", "int");
        public Tensor softmax(long dim, ScalarType? dtype = null) => _softmax.Call(this, dim, dtype);
        private static readonly Operator _log_softmax = new("aten::log_softmax", "int");
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => _log_softmax.Call(this, dim, dtype);
        private static readonly Operator _relu = new("aten::relu"); public Tensor relu() => _relu.Call(this);
        private static readonly Operator _relu_ = new("aten::relu_"); public Tensor relu_() => InPlace(_relu_, this);
        private static readonly Operator _silu = new("aten::silu"); public Tensor silu() => _silu.Call(this);
        private static readonly Operator _gelu = new("aten::gelu");
        public Tensor gelu() => _gelu.Call(this);
        internal Tensor gelu(string approximate) => _gelu.Call(this, approximate);

        private static readonly Operator _index_select = new("aten::index_select");
        public Tensor index_select(long dim, Tensor index) => _index_select.Call(this, dim, index);
        private static readonly Operator _gather = new("aten::gather"); public Tensor gather(long dim, Tensor index) => _gather.Call(this, dim, index);
        private static readonly Operator _scatter = new("aten::scatter", "src");
        public Tensor scatter(long dim, Tensor index, Tensor src) => _scatter.Call(this, dim, index, src);
        private static readonly Operator _scatter_ = new("aten::scatter_", "src");
        public Tensor scatter_(long dim, Tensor index, Tensor src) => InPlace(_scatter_, this, dim, index, src);
        private static readonly Operator _scatterValue_ = new("aten::scatter_", "value");
        public Tensor scatter_(long dim, Tensor index, Scalar value) => InPlace(_scatterValue_, this, dim, index, value);
        private static readonly Operator _index_add_ = new("aten::index_add_");
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => InPlace(_index_add_, this, dim, index, source, alpha);
        private static readonly Operator _index_copy_ = new("aten::index_copy_");
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => InPlace(_index_copy_, this, dim, index, source);
        private static readonly Operator _masked_fill = new("aten::masked_fill", "Scalar");
        public Tensor masked_fill(Tensor mask, Scalar value) => _masked_fill.Call(this, mask, value);
        private static readonly Operator _masked_fill_ = new("aten::masked_fill_", "Scalar");
        public Tensor masked_fill_(Tensor mask, Scalar value) => InPlace(_masked_fill_, this, mask, value);
        private static readonly Operator _masked_select = new("aten::masked_select");
        public Tensor masked_select(Tensor mask) => _masked_select.Call(this, mask);
        public Tensor where(Tensor condition, Tensor other) => torch.where(condition, this, other);
        private static readonly Operator _nonzero = new("aten::nonzero"); public Tensor nonzero() => _nonzero.Call(this);
        private static readonly Operator _take = new("aten::take"); public Tensor take(Tensor index) => _take.Call(this, index);
        private static readonly Operator _one_hot = new("aten::one_hot"); internal Tensor one_hot(long classes) => _one_hot.Call(this, classes);
    }
}
