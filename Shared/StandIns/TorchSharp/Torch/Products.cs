using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor matmul(Tensor left, Tensor right) => left.matmul(right);
    public static Tensor mm(Tensor left, Tensor right) => left.mm(right);
    public static Tensor bmm(Tensor left, Tensor right) => left.bmm(right);
    public static Tensor mv(Tensor left, Tensor right) => left.mv(right);
    public static Tensor dot(Tensor left, Tensor right) => left.dot(right);
    public static Tensor outer(Tensor left, Tensor right) => left.outer(right);
    public static Tensor addmm(Tensor input, Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => input.addmm(mat1, mat2, beta, alpha);
    public static Tensor baddbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => input.baddbmm(batch1, batch2, beta, alpha);
    public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
    public static Tensor log_softmax(Tensor input, long dim, ScalarType? dtype = null) => input.log_softmax(dim, dtype);
    public static Tensor relu(Tensor input) => input.relu();
    public static Tensor index_select(Tensor input, long dim, Tensor index) => input.index_select(dim, index);
    public static Tensor gather(Tensor input, long dim, Tensor index) => input.gather(dim, index);
    public static Tensor masked_fill(Tensor input, Tensor mask, Scalar value) => input.masked_fill(mask, value);
    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);
    public static Tensor nonzero(Tensor input) => input.nonzero();

    private static readonly Operator _einsum = new("aten::einsum");
    public static Tensor einsum(string equation, params Tensor[] tensors) => _einsum.Call(equation, tensors);
}
