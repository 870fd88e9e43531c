using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    private static readonly Operator _zeros = new("aten::zeros");
    private static readonly Operator _ones = new("aten::ones");
    private static readonly Operator _empty = new("aten::empty", "memory_format");
    private static readonly Operator _full = new("aten::full");

    public static Tensor zeros(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _zeros.Call(size, dtype ?? defaultType, Argument.None, device).requires_grad_if(requires_grad);

    public static Tensor zeros(long dim0, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([dim0], dtype, device, requires_grad);

    public static Tensor zeros(long dim0, long dim1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([dim0, dim1], dtype, device, requires_grad);

    public static Tensor zeros(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor zeros(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([dim0, dim1, dim2, dim3], dtype, device, requires_grad);

    public static Tensor ones(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _ones.Call(size, dtype ?? defaultType, Argument.None, device).requires_grad_if(requires_grad);

    public static Tensor ones(long dim0, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        ones([dim0], dtype, device, requires_grad);

    public static Tensor ones(long dim0, long dim1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        ones([dim0, dim1], dtype, device, requires_grad);

    public static Tensor ones(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        ones([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor ones(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        ones([dim0, dim1, dim2, dim3], dtype, device, requires_grad);

    public static Tensor empty(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _empty.Call(size, dtype ?? defaultType, Argument.None, device).requires_grad_if(requires_grad);

    public static Tensor empty(long dim0, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([dim0], dtype, device, requires_grad);

    public static Tensor empty(long dim0, long dim1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([dim0, dim1], dtype, device, requires_grad);

    public static Tensor empty(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor empty(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([dim0, dim1, dim2, dim3], dtype, device, requires_grad);

    public static Tensor full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _full.Call(size, value, dtype ?? (value.Type == ScalarType.Float64 ? defaultType : value.Type), Argument.None, device)
            .requires_grad_if(requires_grad);

    public static Tensor full(long dim0, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        full([dim0], value, dtype, device, requires_grad);

    public static Tensor full(long dim0, long dim1, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        full([dim0, dim1], value, dtype, device, requires_grad);

    public static Tensor full(long dim0, long dim1, long dim2, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        full([dim0, dim1, dim2], value, dtype, device, requires_grad);

    private static readonly Operator _zeros_like = new("aten::zeros_like");

    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _zeros_like.Call(input, dtype, Argument.None, device).requires_grad_if(requires_grad);

    private static readonly Operator _ones_like = new("aten::ones_like");

    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _ones_like.Call(input, dtype, Argument.None, device).requires_grad_if(requires_grad);

    private static readonly Operator _empty_like = new("aten::empty_like");

    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _empty_like.Call(input, dtype, Argument.None, device).requires_grad_if(requires_grad);

    private static readonly Operator _rand_like = new("aten::rand_like");

    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _rand_like.Call(input, dtype, Argument.None, device).requires_grad_if(requires_grad);

    private static readonly Operator _randn_like = new("aten::randn_like");

    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _randn_like.Call(input, dtype, Argument.None, device).requires_grad_if(requires_grad);

    private static readonly Operator _full_like = new("aten::full_like");

    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _full_like.Call(input, value, dtype, Argument.None, device).requires_grad_if(requires_grad);

    private static readonly Operator _eye = new("aten::eye", "m");

    public static Tensor eye(long rows, long columns = -1L, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _eye.Call(rows, columns < 0 ? rows : columns, dtype ?? defaultType, Argument.None, device).requires_grad_if(requires_grad);

    private static readonly Operator _arange = new("aten::arange", "start_step");

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _arange.Call(start, stop, step, dtype ?? RangeType(start, stop, step), Argument.None, device).requires_grad_if(requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    private static readonly Operator _linspace = new("aten::linspace");

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        _linspace.Call(start, end, steps, dtype ?? defaultType, Argument.None, device).requires_grad_if(requires_grad);

    private static ScalarType RangeType(params ReadOnlySpan<Scalar> numbers)
    {
        foreach (var number in numbers)
        {
            if (number.Type == ScalarType.Float64)
            {
                return defaultType;
            }
        }
        return ScalarType.Int64;
    }

    private static Tensor requires_grad_if(this Tensor tensor, bool wanted) => wanted ? tensor.requires_grad_() : tensor;
}
