namespace TorchSharp;

public static partial class torch
{
    public static Tensor eq(Tensor left, Tensor right) => left.eq(right);
    public static Tensor eq(Tensor left, Scalar right) => left.eq(right);
    public static Tensor ne(Tensor left, Tensor right) => left.ne(right);
    public static Tensor ne(Tensor left, Scalar right) => left.ne(right);
    public static Tensor lt(Tensor left, Tensor right) => left.lt(right);
    public static Tensor lt(Tensor left, Scalar right) => left.lt(right);
    public static Tensor le(Tensor left, Tensor right) => left.le(right);
    public static Tensor le(Tensor left, Scalar right) => left.le(right);
    public static Tensor gt(Tensor left, Tensor right) => left.gt(right);
    public static Tensor gt(Tensor left, Scalar right) => left.gt(right);
    public static Tensor ge(Tensor left, Tensor right) => left.ge(right);
    public static Tensor ge(Tensor left, Scalar right) => left.ge(right);
    public static Tensor logical_and(Tensor left, Tensor right) => left.logical_and(right);
    public static Tensor logical_or(Tensor left, Tensor right) => left.logical_or(right);
    public static Tensor logical_xor(Tensor left, Tensor right) => left.logical_xor(right);
    public static Tensor maximum(Tensor left, Tensor right) => left.maximum(right);
    public static Tensor minimum(Tensor left, Tensor right) => left.minimum(right);
    public static Tensor bitwise_and(Tensor left, Tensor right) => left.bitwise_and(right);
    public static Tensor bitwise_or(Tensor left, Tensor right) => left.bitwise_or(right);
    public static Tensor bitwise_xor(Tensor left, Tensor right) => left.bitwise_xor(right);
    public static Tensor clamp(Tensor input, Scalar? min = null, Scalar? max = null) => input.clamp(min, max);
    public static bool equal(Tensor left, Tensor right) => left.equal(right);

    public static bool allclose(Tensor left, Tensor right, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
        left.allclose(right, rtol, atol, equal_nan);

    private static readonly Extensions.Operator _where = new("aten::where", "self"); public static Tensor where(Tensor condition, Tensor x, Tensor y) => _where.Call(condition, x, y);
}
