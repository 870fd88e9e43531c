using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Pointwise functions of one tensor, in place.
    public partial class Tensor
    {
        private static readonly Operator _abs_ = new("aten::abs_"); public Tensor abs_() => InPlace(_abs_, this);
        private static readonly Operator _exp_ = new("aten::exp_"); public Tensor exp_() => InPlace(_exp_, this);
        private static readonly Operator _exp2_ = new("aten::exp2_"); public Tensor exp2_() => InPlace(_exp2_, this);
        private static readonly Operator _expm1_ = new("aten::expm1_"); public Tensor expm1_() => InPlace(_expm1_, this);
        private static readonly Operator _log_ = new("aten::log_"); public Tensor log_() => InPlace(_log_, this);
        private static readonly Operator _log2_ = new("aten::log2_"); public Tensor log2_() => InPlace(_log2_, this);
        private static readonly Operator _log10_ = new("aten::log10_"); public Tensor log10_() => InPlace(_log10_, this);
        private static readonly Operator _log1p_ = new("aten::log1p_"); public Tensor log1p_() => InPlace(_log1p_, this);
        private static readonly Operator _sqrt_ = new("aten::sqrt_"); public Tensor sqrt_() => InPlace(_sqrt_, this);
        private static readonly Operator _rsqrt_ = new("aten::rsqrt_"); public Tensor rsqrt_() => InPlace(_rsqrt_, this);
        private static readonly Operator _square_ = new("aten::square_"); public Tensor square_() => InPlace(_square_, this);
        private static readonly Operator _reciprocal_ = new("aten::reciprocal_"); public Tensor reciprocal_() => InPlace(_reciprocal_, this);
        private static readonly Operator _sin_ = new("aten::sin_"); public Tensor sin_() => InPlace(_sin_, this);
        private static readonly Operator _cos_ = new("aten::cos_"); public Tensor cos_() => InPlace(_cos_, this);
        private static readonly Operator _tan_ = new("aten::tan_"); public Tensor tan_() => InPlace(_tan_, this);
        private static readonly Operator _asin_ = new("aten::asin_"); public Tensor asin_() => InPlace(_asin_, this);
        private static readonly Operator _acos_ = new("aten::acos_"); public Tensor acos_() => InPlace(_acos_, this);
        private static readonly Operator _atan_ = new("aten::atan_"); public Tensor atan_() => InPlace(_atan_, this);
        private static readonly Operator _sinh_ = new("aten::sinh_"); public Tensor sinh_() => InPlace(_sinh_, this);
        private static readonly Operator _cosh_ = new("aten::cosh_"); public Tensor cosh_() => InPlace(_cosh_, this);
        private static readonly Operator _tanh_ = new("aten::tanh_"); public Tensor tanh_() => InPlace(_tanh_, this);
        private static readonly Operator _erf_ = new("aten::erf_"); public Tensor erf_() => InPlace(_erf_, this);
        private static readonly Operator _erfc_ = new("aten::erfc_"); public Tensor erfc_() => InPlace(_erfc_, this);
        private static readonly Operator _erfinv_ = new("aten::erfinv_"); public Tensor erfinv_() => InPlace(_erfinv_, this);
        private static readonly Operator _sigmoid_ = new("aten::sigmoid_"); public Tensor sigmoid_() => InPlace(_sigmoid_, this);
        private static readonly Operator _floor_ = new("aten::floor_"); public Tensor floor_() => InPlace(_floor_, this);
        private static readonly Operator _ceil_ = new("aten::ceil_"); public Tensor ceil_() => InPlace(_ceil_, this);
        private static readonly Operator _round_ = new("aten::round_"); public Tensor round_() => InPlace(_round_, this);
        private static readonly Operator _trunc_ = new("aten::trunc_"); public Tensor trunc_() => InPlace(_trunc_, this);
        private static readonly Operator _frac_ = new("aten::frac_"); public Tensor frac_() => InPlace(_frac_, this);
        private static readonly Operator _sign_ = new("aten::sign_"); public Tensor sign_() => InPlace(_sign_, this);
        private static readonly Operator _logical_not_ = new("aten::logical_not_"); public Tensor logical_not_() => InPlace(_logical_not_, this);
        private static readonly Operator _bitwise_not_ = new("aten::bitwise_not_"); public Tensor bitwise_not_() => InPlace(_bitwise_not_, this);
        private static readonly Operator _neg_ = new("aten::neg_"); public Tensor neg_() => InPlace(_neg_, this);

        /// <summary>Runs an operator that writes into this tensor, its first argument.</summary>
        private Tensor InPlace(Operator op, params ReadOnlySpan<Argument> arguments)
        {
            op.Run(arguments);
            return this;
        }
    }
}
