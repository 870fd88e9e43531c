using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Sums, extremes and orders.
    public partial class Tensor
    {
        private static readonly Operator _sum = new("aten::sum"); public Tensor sum(ScalarType? type = null) => _sum.Call(this, type);
        private static readonly Operator _sumDim = new("aten::sum", "dim_IntList");
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => _sumDim.Call(this, new[] { dim }, keepdim, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => _sumDim.Call(this, dim, keepdim, type);
        private static readonly Operator _mean = new("aten::mean"); public Tensor mean() => _mean.Call(this);
        private static readonly Operator _meanDim = new("aten::mean", "dim");
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => _meanDim.Call(this, dimensions, keepdim, type);
        private static readonly Operator _prod = new("aten::prod"); public Tensor prod(ScalarType? dtype = null) => _prod.Call(this, dtype);
        private static readonly Operator _prodDim = new("aten::prod", "dim_int");
        public Tensor prod(long dim, bool keepdim = false, ScalarType? dtype = null) => _prodDim.Call(this, dim, keepdim, dtype);
        private static readonly Operator _var = new("aten::var"); public Tensor var(bool unbiased = true) => _var.Call(this, unbiased);
        private static readonly Operator _varDim = new("aten::var", "dim");
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false) => _varDim.Call(this, dimensions, unbiased, keepdim);
        private static readonly Operator _std = new("aten::std"); public Tensor std(bool unbiased = true) => _std.Call(this, unbiased);
        private static readonly Operator _stdDim = new("aten::std", "dim");
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false) => _stdDim.Call(this, dimensions, unbiased, keepdim);
        private static readonly Operator _norm = new("aten::norm", "Scalar"); public Tensor norm(float p = 2.0f) => _norm.Call(this, (double)p);
        private static readonly Operator _normDim = new("aten::norm", "ScalarOpt_dim");
        public Tensor norm(long dim, bool keepdim = false, float p = 2.0f) => _normDim.Call(this, (double)p, new[] { dim }, keepdim);
        private static readonly Operator _logsumexp = new("aten::logsumexp");
        public Tensor logsumexp(long dim, bool keepdim = false) => _logsumexp.Call(this, new[] { dim }, keepdim);
        private static readonly Operator _cumsum = new("aten::cumsum"); public Tensor cumsum(long dim, ScalarType? type = null) => _cumsum.Call(this, dim, type);
        private static readonly Operator _cumprod = new("aten::cumprod");
        public Tensor cumprod(long dim, ScalarType? type = null) => _cumprod.Call(this, dim, type);
        private static readonly Operator _all = new("aten::all"); public Tensor all() => _all.Call(this);
        private static readonly Operator _allDim = new("aten::all", "dim");
        public Tensor all(long dim, bool keepdim = false) => _allDim.Call(this, dim, keepdim);
        private static readonly Operator _any = new("aten::any"); public Tensor any() => _any.Call(this);
        private static readonly Operator _anyDim = new("aten::any", "dim");
        public Tensor any(long dim, bool keepdim = false) => _anyDim.Call(this, dim, keepdim);

        private static readonly Operator _max = new("aten::max"); public Tensor max() => _max.Call(this);
        private static readonly Operator _maxDim = new("aten::max", "dim");
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => _maxDim.CallTwo(this, dim, keepdim);
        private static readonly Operator _min = new("aten::min"); public Tensor min() => _min.Call(this);
        private static readonly Operator _minDim = new("aten::min", "dim");
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => _minDim.CallTwo(this, dim, keepdim);
        private static readonly Operator _amax = new("aten::amax"); public Tensor amax(long[] dims, bool keepdim = false) => _amax.Call(this, dims, keepdim);
        private static readonly Operator _amin = new("aten::amin"); public Tensor amin(long[] dims, bool keepdim = false) => _amin.Call(this, dims, keepdim);
        private static readonly Operator _argmax = new("aten::argmax"); public Tensor argmax() => _argmax.Call(this);
        public Tensor argmax(long dim, bool keepdim = false) => _argmax.Call(this, dim, keepdim);
        private static readonly Operator _argmin = new("aten::argmin"); public Tensor argmin() => _argmin.Call(this);
        public Tensor argmin(long dim, bool keepdim = false) => _argmin.Call(this, dim, keepdim);
        private static readonly Operator _argsort = new("aten::argsort");
        public Tensor argsort(long dim = -1, bool descending = false) => _argsort.Call(this, dim, descending);
        private static readonly Operator _sort = new("aten::sort");
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false) => _sort.CallTwo(this, dim, descending);
        private static readonly Operator _topk = new("aten::topk");

        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) =>
            _topk.CallTwo(this, k, dim, largest, sorted);

        private static readonly Operator _multinomial = new("aten::multinomial");

        /// <summary>Draws positions with probabilities in proportion to this tensor's last dimension.</summary>
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) =>
            _multinomial.Call(this, num_samples, replacement, generator);

        private static readonly Operator _bincount = new("aten::bincount");
        public Tensor bincount(Tensor? weights = null, long minlength = 0) => _bincount.Call(this, weights, minlength);
    }
}
