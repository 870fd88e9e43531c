using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Pointwise functions of one tensor. One line is one operator: its schema name, and the method.
    public partial class Tensor
    {
        private static readonly Operator _abs = new("aten::abs"); public Tensor abs() => _abs.Call(this);
        private static readonly Operator _exp = new("aten::exp"); public Tensor exp() => _exp.Call(this);
        private static readonly Operator _exp2 = new("aten::exp2"); public Tensor exp2() => _exp2.Call(this);
        private static readonly Operator _expm1 = new("aten::expm1"); public Tensor expm1() => _expm1.Call(this);
        private static readonly Operator _log = new("aten::log"); public Tensor log() => _log.Call(this);
        private static readonly Operator _log2 = new("aten::log2"); public Tensor log2() => _log2.Call(this);
        private static readonly Operator _log10 = new("aten::log10"); public Tensor log10() => _log10.Call(this);
        private static readonly Operator _log1p = new("aten::log1p"); public Tensor log1p() => _log1p.Call(this);
        private static readonly Operator _sqrt = new("aten::sqrt"); public Tensor sqrt() => _sqrt.Call(this);
        private static readonly Operator _rsqrt = new("aten::rsqrt"); public Tensor rsqrt() => _rsqrt.Call(this);
        private static readonly Operator _square = new("aten::square"); public Tensor square() => _square.Call(this);
        private static readonly Operator _reciprocal = new("aten::reciprocal"); public Tensor reciprocal() => _reciprocal.Call(this);
        private static readonly Operator _sin = new("aten::sin"); public Tensor sin() => _sin.Call(this);
        private static readonly Operator _cos = new("aten::cos"); public Tensor cos() => _cos.Call(this);
        private static readonly Operator _tan = new("aten::tan"); public Tensor tan() => _tan.Call(this);
        private static readonly Operator _asin = new("aten::asin"); public Tensor asin() => _asin.Call(this);
        private static readonly Operator _acos = new("aten::acos"); public Tensor acos() => _acos.Call(this);
        private static readonly Operator _atan = new("aten::atan"); public Tensor atan() => _atan.Call(this);
        private static readonly Operator _sinh = new("aten::sinh"); public Tensor sinh() => _sinh.Call(this);
        private static readonly Operator _cosh = new("aten::cosh"); public Tensor cosh() => _cosh.Call(this);
        private static readonly Operator _tanh = new("aten::tanh"); public Tensor tanh() => _tanh.Call(this);
        private static readonly Operator _erf = new("aten::erf"); public Tensor erf() => _erf.Call(this);
        private static readonly Operator _erfc = new("aten::erfc"); public Tensor erfc() => _erfc.Call(this);
        private static readonly Operator _erfinv = new("aten::erfinv"); public Tensor erfinv() => _erfinv.Call(this);
        private static readonly Operator _sigmoid = new("aten::sigmoid"); public Tensor sigmoid() => _sigmoid.Call(this);
        private static readonly Operator _floor = new("aten::floor"); public Tensor floor() => _floor.Call(this);
        private static readonly Operator _ceil = new("aten::ceil"); public Tensor ceil() => _ceil.Call(this);
        private static readonly Operator _round = new("aten::round"); public Tensor round() => _round.Call(this);
        private static readonly Operator _trunc = new("aten::trunc"); public Tensor trunc() => _trunc.Call(this);
        private static readonly Operator _frac = new("aten::frac"); public Tensor frac() => _frac.Call(this);
        private static readonly Operator _sign = new("aten::sign"); public Tensor sign() => _sign.Call(this);
        private static readonly Operator _logical_not = new("aten::logical_not"); public Tensor logical_not() => _logical_not.Call(this);
        private static readonly Operator _bitwise_not = new("aten::bitwise_not"); public Tensor bitwise_not() => _bitwise_not.Call(this);
        private static readonly Operator _isnan = new("aten::isnan"); public Tensor isnan() => _isnan.Call(this);
        private static readonly Operator _isinf = new("aten::isinf"); public Tensor isinf() => _isinf.Call(this);
        private static readonly Operator _isfinite = new("aten::isfinite"); public Tensor isfinite() => _isfinite.Call(this);
        private static readonly Operator _neg = new("aten::neg"); public Tensor neg() => _neg.Call(this);

        public Tensor negative() => neg();
    }
}
