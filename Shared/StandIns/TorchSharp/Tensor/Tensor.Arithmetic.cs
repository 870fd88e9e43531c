using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Arithmetic with a tensor or a number.
    public partial class Tensor
    {
        private static readonly Operator _add = new("aten::add", "Tensor"); public Tensor add(Tensor target, Scalar alpha) => _add.Call(this, target, alpha);
        public Tensor add(Tensor target) => _add.Call(this, target);
        private static readonly Operator _addScalar = new("aten::add", "Scalar"); public Tensor add(Scalar scalar) => _addScalar.Call(this, scalar);
        public Tensor add(Scalar scalar, Scalar alpha) => _addScalar.Call(this, scalar, alpha);
        private static readonly Operator _add_ = new("aten::add_", "Tensor"); public Tensor add_(Tensor target, Scalar alpha) => InPlace(_add_, this, target, alpha);
        public Tensor add_(Tensor target) => InPlace(_add_, this, target);
        private static readonly Operator _addScalar_ = new("aten::add_", "Scalar"); public Tensor add_(Scalar scalar) => InPlace(_addScalar_, this, scalar);

        private static readonly Operator _sub = new("aten::sub", "Tensor"); public Tensor sub(Tensor target, Scalar alpha) => _sub.Call(this, target, alpha);
        public Tensor sub(Tensor target) => _sub.Call(this, target);
        private static readonly Operator _subScalar = new("aten::sub", "Scalar"); public Tensor sub(Scalar scalar) => _subScalar.Call(this, scalar);
        public Tensor sub(Scalar scalar, Scalar alpha) => _subScalar.Call(this, scalar, alpha);
        private static readonly Operator _sub_ = new("aten::sub_", "Tensor"); public Tensor sub_(Tensor target, Scalar alpha) => InPlace(_sub_, this, target, alpha);
        public Tensor sub_(Tensor target) => InPlace(_sub_, this, target);
        private static readonly Operator _subScalar_ = new("aten::sub_", "Scalar"); public Tensor sub_(Scalar scalar) => InPlace(_subScalar_, this, scalar);

        private static readonly Operator _mul = new("aten::mul", "Tensor"); public Tensor mul(Tensor target) => _mul.Call(this, target);
        private static readonly Operator _mulScalar = new("aten::mul", "Scalar"); public Tensor mul(Scalar scalar) => _mulScalar.Call(this, scalar);
        private static readonly Operator _mul_ = new("aten::mul_", "Tensor"); public Tensor mul_(Tensor target) => InPlace(_mul_, this, target);
        private static readonly Operator _mulScalar_ = new("aten::mul_", "Scalar"); public Tensor mul_(Scalar scalar) => InPlace(_mulScalar_, this, scalar);

        private static readonly Operator _div = new("aten::div", "Tensor"); public Tensor div(Tensor target) => _div.Call(this, target);
        private static readonly Operator _divScalar = new("aten::div", "Scalar"); public Tensor div(Scalar scalar) => _divScalar.Call(this, scalar);
        private static readonly Operator _div_ = new("aten::div_", "Tensor"); public Tensor div_(Tensor target) => InPlace(_div_, this, target);
        private static readonly Operator _divScalar_ = new("aten::div_", "Scalar"); public Tensor div_(Scalar scalar) => InPlace(_divScalar_, this, scalar);

        private static readonly Operator _remainder = new("aten::remainder", "Tensor"); public Tensor remainder(Tensor target) => _remainder.Call(this, target);
        private static readonly Operator _remainderScalar = new("aten::remainder", "Scalar"); public Tensor remainder(Scalar scalar) => _remainderScalar.Call(this, scalar);
        private static readonly Operator _remainder_ = new("aten::remainder_", "Tensor"); public Tensor remainder_(Tensor target) => InPlace(_remainder_, this, target);
        private static readonly Operator _remainderScalar_ = new("aten::remainder_", "Scalar"); public Tensor remainder_(Scalar scalar) => InPlace(_remainderScalar_, this, scalar);

        private static readonly Operator _fmod = new("aten::fmod", "Tensor"); public Tensor fmod(Tensor target) => _fmod.Call(this, target);
        private static readonly Operator _fmodScalar = new("aten::fmod", "Scalar"); public Tensor fmod(Scalar scalar) => _fmodScalar.Call(this, scalar);
        private static readonly Operator _fmod_ = new("aten::fmod_", "Tensor"); public Tensor fmod_(Tensor target) => InPlace(_fmod_, this, target);
        private static readonly Operator _fmodScalar_ = new("aten::fmod_", "Scalar"); public Tensor fmod_(Scalar scalar) => InPlace(_fmodScalar_, this, scalar);

        private static readonly Operator _divMode = new("aten::div", "Tensor_mode");
        private static readonly Operator _divScalarMode = new("aten::div", "Scalar_mode");
        public Tensor div(Tensor target, RoundingMode rounding_mode) => _divMode.Call(this, target, rounding_mode.ToString());
        public Tensor div(Scalar target, RoundingMode rounding_mode) => _divScalarMode.Call(this, target, rounding_mode.ToString());
        public Tensor floor_divide(Tensor other) => div(other, RoundingMode.floor);
        public Tensor floor_divide(Scalar other) => div(other, RoundingMode.floor);

        public Tensor subtract(Tensor target) => sub(target);
        public Tensor multiply(Tensor target) => mul(target);
        public Tensor multiply(Scalar scalar) => mul(scalar);
        public Tensor divide(Tensor target) => div(target);
        public Tensor divide(Scalar scalar) => div(scalar);

        private static readonly Operator _pow = new("aten::pow", "Tensor_Tensor"); public Tensor pow(Tensor exponent) => _pow.Call(this, exponent);
        private static readonly Operator _powScalar = new("aten::pow", "Tensor_Scalar"); public Tensor pow(Scalar exponent) => _powScalar.Call(this, exponent);
        private static readonly Operator _pow_ = new("aten::pow_", "Tensor"); public Tensor pow_(Tensor exponent) => InPlace(_pow_, this, exponent);
        private static readonly Operator _powScalar_ = new("aten::pow_", "Scalar"); public Tensor pow_(Scalar exponent) => InPlace(_powScalar_, this, exponent);
        private static readonly Operator _atan2 = new("aten::atan2"); public Tensor atan2(Tensor other) => _atan2.Call(this, other);

        private static readonly Operator _lerp = new("aten::lerp", "Tensor"); public Tensor lerp(Tensor end, Tensor weight) => _lerp.Call(this, end, weight);
        private static readonly Operator _lerpScalar = new("aten::lerp", "Scalar"); public Tensor lerp(Tensor end, Scalar weight) => _lerpScalar.Call(this, end, weight);
        private static readonly Operator _lerp_ = new("aten::lerp_", "Tensor"); public Tensor lerp_(Tensor end, Tensor weight) => InPlace(_lerp_, this, end, weight);
        private static readonly Operator _lerpScalar_ = new("aten::lerp_", "Scalar"); public Tensor lerp_(Tensor end, Scalar weight) => InPlace(_lerpScalar_, this, end, weight);
        private static readonly Operator _addcmul = new("aten::addcmul"); public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => _addcmul.Call(this, tensor1, tensor2, value);
        private static readonly Operator _addcmul_ = new("aten::addcmul_"); public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => InPlace(_addcmul_, this, tensor1, tensor2, value);
        public Tensor addcmul(Tensor tensor1, Tensor tensor2) => _addcmul.Call(this, tensor1, tensor2);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2) => InPlace(_addcmul_, this, tensor1, tensor2);
        private static readonly Operator _addcdiv = new("aten::addcdiv"); public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => _addcdiv.Call(this, tensor1, tensor2, value);
        private static readonly Operator _addcdiv_ = new("aten::addcdiv_"); public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => InPlace(_addcdiv_, this, tensor1, tensor2, value);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => _addcdiv.Call(this, tensor1, tensor2);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => InPlace(_addcdiv_, this, tensor1, tensor2);
    }
}
