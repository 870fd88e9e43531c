using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // C# operators. Each is the method of the same meaning.
    public partial class Tensor
    {
        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);
        public static Tensor operator +(Tensor left, Scalar right) => left.add(right);
        public static Tensor operator +(Tensor left, int right) => left.add((Scalar)right);
        public static Tensor operator +(Tensor left, long right) => left.add((Scalar)right);
        public static Tensor operator +(Tensor left, float right) => left.add((Scalar)right);
        public static Tensor operator +(Tensor left, double right) => left.add((Scalar)right);
        public static Tensor operator +(Scalar left, Tensor right) => right.add(left);
        public static Tensor operator +(int left, Tensor right) => right.add((Scalar)left);
        public static Tensor operator +(long left, Tensor right) => right.add((Scalar)left);
        public static Tensor operator +(float left, Tensor right) => right.add((Scalar)left);
        public static Tensor operator +(double left, Tensor right) => right.add((Scalar)left);

        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);
        public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);
        public static Tensor operator -(Tensor left, int right) => left.sub((Scalar)right);
        public static Tensor operator -(Tensor left, long right) => left.sub((Scalar)right);
        public static Tensor operator -(Tensor left, float right) => left.sub((Scalar)right);
        public static Tensor operator -(Tensor left, double right) => left.sub((Scalar)right);
        public static Tensor operator -(Scalar left, Tensor right) => right.Reversed(left);
        public static Tensor operator -(int left, Tensor right) => right.Reversed((Scalar)left);
        public static Tensor operator -(long left, Tensor right) => right.Reversed((Scalar)left);
        public static Tensor operator -(float left, Tensor right) => right.Reversed((Scalar)left);
        public static Tensor operator -(double left, Tensor right) => right.Reversed((Scalar)left);

        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);
        public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);
        public static Tensor operator *(Tensor left, int right) => left.mul((Scalar)right);
        public static Tensor operator *(Tensor left, long right) => left.mul((Scalar)right);
        public static Tensor operator *(Tensor left, float right) => left.mul((Scalar)right);
        public static Tensor operator *(Tensor left, double right) => left.mul((Scalar)right);
        public static Tensor operator *(Scalar left, Tensor right) => right.mul(left);
        public static Tensor operator *(int left, Tensor right) => right.mul((Scalar)left);
        public static Tensor operator *(long left, Tensor right) => right.mul((Scalar)left);
        public static Tensor operator *(float left, Tensor right) => right.mul((Scalar)left);
        public static Tensor operator *(double left, Tensor right) => right.mul((Scalar)left);

        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);
        public static Tensor operator /(Tensor left, Scalar right) => left.div(right);
        public static Tensor operator /(Tensor left, int right) => left.div((Scalar)right);
        public static Tensor operator /(Tensor left, long right) => left.div((Scalar)right);
        public static Tensor operator /(Tensor left, float right) => left.div((Scalar)right);
        public static Tensor operator /(Tensor left, double right) => left.div((Scalar)right);
        public static Tensor operator /(Scalar left, Tensor right) => right.reciprocal().mul_(left);
        public static Tensor operator /(int left, Tensor right) => right.reciprocal().mul_((Scalar)left);
        public static Tensor operator /(long left, Tensor right) => right.reciprocal().mul_((Scalar)left);
        public static Tensor operator /(float left, Tensor right) => right.reciprocal().mul_((Scalar)left);
        public static Tensor operator /(double left, Tensor right) => right.reciprocal().mul_((Scalar)left);

        public static Tensor operator %(Tensor left, Tensor right) => left.remainder(right);
        public static Tensor operator %(Tensor left, Scalar right) => left.remainder(right);
        public static Tensor operator %(Tensor left, int right) => left.remainder((Scalar)right);
        public static Tensor operator %(Tensor left, long right) => left.remainder((Scalar)right);
        public static Tensor operator %(Tensor left, float right) => left.remainder((Scalar)right);
        public static Tensor operator %(Tensor left, double right) => left.remainder((Scalar)right);

        public static Tensor operator -(Tensor value) => value.neg();
        public static Tensor operator ~(Tensor value) => value.bitwise_not();
        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);
        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);
        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);

        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);
        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);
        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);
        public static Tensor operator <(Tensor left, int right) => left.lt((Scalar)right);
        public static Tensor operator <(Tensor left, long right) => left.lt((Scalar)right);
        public static Tensor operator <(Tensor left, float right) => left.lt((Scalar)right);
        public static Tensor operator <(Tensor left, double right) => left.lt((Scalar)right);
        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);
        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);
        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);
        public static Tensor operator <=(Tensor left, int right) => left.le((Scalar)right);
        public static Tensor operator <=(Tensor left, long right) => left.le((Scalar)right);
        public static Tensor operator <=(Tensor left, float right) => left.le((Scalar)right);
        public static Tensor operator <=(Tensor left, double right) => left.le((Scalar)right);
        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);
        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);
        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);
        public static Tensor operator >(Tensor left, int right) => left.gt((Scalar)right);
        public static Tensor operator >(Tensor left, long right) => left.gt((Scalar)right);
        public static Tensor operator >(Tensor left, float right) => left.gt((Scalar)right);
        public static Tensor operator >(Tensor left, double right) => left.gt((Scalar)right);
        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);
        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);
        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);
        public static Tensor operator >=(Tensor left, int right) => left.ge((Scalar)right);
        public static Tensor operator >=(Tensor left, long right) => left.ge((Scalar)right);
        public static Tensor operator >=(Tensor left, float right) => left.ge((Scalar)right);
        public static Tensor operator >=(Tensor left, double right) => left.ge((Scalar)right);

        private static readonly Operator _rsub = new("aten::rsub", "Scalar"); private Tensor Reversed(Scalar from) => _rsub.Call(this, from);
    }
}
