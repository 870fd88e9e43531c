using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Comparisons, logic and bounds.
    public partial class Tensor
    {
        private static readonly Operator _eq = new("aten::eq", "Tensor"); public Tensor eq(Tensor target) => _eq.Call(this, target);
        private static readonly Operator _eqScalar = new("aten::eq", "Scalar"); public Tensor eq(Scalar target) => _eqScalar.Call(this, target);
        private static readonly Operator _ne = new("aten::ne", "Tensor"); public Tensor ne(Tensor target) => _ne.Call(this, target);
        private static readonly Operator _neScalar = new("aten::ne", "Scalar"); public Tensor ne(Scalar target) => _neScalar.Call(this, target);
        private static readonly Operator _lt = new("aten::lt", "Tensor"); public Tensor lt(Tensor target) => _lt.Call(this, target);
        private static readonly Operator _ltScalar = new("aten::lt", "Scalar"); public Tensor lt(Scalar target) => _ltScalar.Call(this, target);
        private static readonly Operator _le = new("aten::le", "Tensor"); public Tensor le(Tensor target) => _le.Call(this, target);
        private static readonly Operator _leScalar = new("aten::le", "Scalar"); public Tensor le(Scalar target) => _leScalar.Call(this, target);
        private static readonly Operator _gt = new("aten::gt", "Tensor"); public Tensor gt(Tensor target) => _gt.Call(this, target);
        private static readonly Operator _gtScalar = new("aten::gt", "Scalar"); public Tensor gt(Scalar target) => _gtScalar.Call(this, target);
        private static readonly Operator _ge = new("aten::ge", "Tensor"); public Tensor ge(Tensor target) => _ge.Call(this, target);
        private static readonly Operator _geScalar = new("aten::ge", "Scalar"); public Tensor ge(Scalar target) => _geScalar.Call(this, target);
        private static readonly Operator _logical_and = new("aten::logical_and"); public Tensor logical_and(Tensor other) => _logical_and.Call(this, other);
        private static readonly Operator _logical_or = new("aten::logical_or"); public Tensor logical_or(Tensor other) => _logical_or.Call(this, other);
        private static readonly Operator _logical_xor = new("aten::logical_xor"); public Tensor logical_xor(Tensor other) => _logical_xor.Call(this, other);
        private static readonly Operator _maximum = new("aten::maximum"); public Tensor maximum(Tensor other) => _maximum.Call(this, other);
        private static readonly Operator _minimum = new("aten::minimum"); public Tensor minimum(Tensor other) => _minimum.Call(this, other);
        private static readonly Operator _bitwise_and = new("aten::bitwise_and", "Tensor"); public Tensor bitwise_and(Tensor other) => _bitwise_and.Call(this, other);
        private static readonly Operator _bitwise_or = new("aten::bitwise_or", "Tensor"); public Tensor bitwise_or(Tensor other) => _bitwise_or.Call(this, other);
        private static readonly Operator _bitwise_xor = new("aten::bitwise_xor", "Tensor"); public Tensor bitwise_xor(Tensor other) => _bitwise_xor.Call(this, other);

        private static readonly Operator _clamp = new("aten::clamp"); public Tensor clamp(Scalar? min = null, Scalar? max = null) => _clamp.Call(this, min, max);
        private static readonly Operator _clampTensor = new("aten::clamp", "Tensor"); public Tensor clamp(Tensor? min, Tensor? max = null) => _clampTensor.Call(this, min, max);
        private static readonly Operator _clamp_ = new("aten::clamp_"); public Tensor clamp_(Scalar? min = null, Scalar? max = null) => InPlace(_clamp_, this, min, max);
        public Tensor clip(Scalar? min = null, Scalar? max = null) => clamp(min, max);
        private static readonly Operator _clamp_min = new("aten::clamp_min"); public Tensor clamp_min(Scalar min) => _clamp_min.Call(this, min);
        private static readonly Operator _clamp_max = new("aten::clamp_max"); public Tensor clamp_max(Scalar max) => _clamp_max.Call(this, max);

        /// <summary>True when shape and values are the same.</summary>
        private static readonly Operator _equal = new("aten::equal"); public bool equal(Tensor target) => _equal.CallScalar(this, target).AsBool;

        private static readonly Operator _allclose = new("aten::allclose");

        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
            _allclose.CallScalar(this, target, rtol, atol, equal_nan).AsBool;

        private static readonly Operator _isclose = new("aten::isclose");

        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
            _isclose.Call(this, other, rtol, atol, equal_nan);
    }
}
