using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Views and rearrangements. Most share the storage of the tensor that they are taken from.
    public partial class Tensor
    {
        private static readonly Operator _view = new("aten::view"); public Tensor view(params long[] shape) => _view.Call(this, shape);
        private static readonly Operator _view_as = new("aten::view_as"); public Tensor view_as(Tensor other) => _view_as.Call(this, other);
        private static readonly Operator _reshape = new("aten::reshape"); public Tensor reshape(params long[] shape) => _reshape.Call(this, shape);
        private static readonly Operator _flatten = new("aten::flatten", "using_ints");
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => _flatten.Call(this, start_dim, end_dim);
        private static readonly Operator _unflatten = new("aten::unflatten", "int");
        public Tensor unflatten(long dim, params long[] sizes) => _unflatten.Call(this, dim, sizes);
        private static readonly Operator _transpose = new("aten::transpose", "int"); public Tensor transpose(long dim0, long dim1) => _transpose.Call(this, dim0, dim1);
        private static readonly Operator _t = new("aten::t"); public Tensor t() => _t.Call(this);
        private static readonly Operator _numpy_T = new("aten::numpy_T"); public Tensor T => _numpy_T.Call(this);
        private static readonly Operator _mT = new("aten::mT"); public Tensor mT => _mT.Call(this);
        private static readonly Operator _permute = new("aten::permute"); public Tensor permute(params long[] permutation) => _permute.Call(this, permutation);
        private static readonly Operator _movedim = new("aten::movedim", "intlist");
        public Tensor movedim(long[] source, long[] destination) => _movedim.Call(this, source, destination);
        private static readonly Operator _contiguous = new("aten::contiguous"); public Tensor contiguous() => _contiguous.Call(this);
        private static readonly Operator _unsqueeze = new("aten::unsqueeze"); public Tensor unsqueeze(long dim) => _unsqueeze.Call(this, dim);
        private static readonly Operator _unsqueeze_ = new("aten::unsqueeze_"); public Tensor unsqueeze_(long dim) => InPlace(_unsqueeze_, this, dim);
        private static readonly Operator _squeeze = new("aten::squeeze"); private static readonly Operator _squeezeDim = new("aten::squeeze", "dim");
        public Tensor squeeze(long? dim = null) => dim is { } at ? _squeezeDim.Call(this, at) : _squeeze.Call(this);
        private static readonly Operator _expand = new("aten::expand"); public Tensor expand(params long[] sizes) => _expand.Call(this, sizes);
        public Tensor expand(long[] sizes, bool isImplicit) => _expand.Call(this, sizes, isImplicit);
        private static readonly Operator _expand_as = new("aten::expand_as"); public Tensor expand_as(Tensor other) => _expand_as.Call(this, other);
        private static readonly Operator _repeat = new("aten::repeat"); public Tensor repeat(params long[] sizes) => _repeat.Call(this, sizes);
        private static readonly Operator _repeat_interleave = new("aten::repeat_interleave", "self_int");
        public Tensor repeat_interleave(long repeats, long? dim = null) => _repeat_interleave.Call(this, repeats, dim);
        private static readonly Operator _flip = new("aten::flip"); public Tensor flip(params long[] dims) => _flip.Call(this, dims);
        private static readonly Operator _roll = new("aten::roll");
        public Tensor roll(long shifts, long dims = 0) => _roll.Call(this, new[] { shifts }, new[] { dims });
        private static readonly Operator _narrow = new("aten::narrow");
        public Tensor narrow(long dim, long start, long length) => _narrow.Call(this, dim, start, length);
        private static readonly Operator _slice = new("aten::slice", "Tensor");
        public Tensor slice(long dim, long start, long finish, long step) => _slice.Call(this, dim, start, finish, step);
        private static readonly Operator _select = new("aten::select", "int"); public Tensor select(long dim, long index) => _select.Call(this, dim, index);
        private static readonly Operator _diagonal = new("aten::diagonal");
        public Tensor diagonal(long offset = 0L, long dim1 = 0L, long dim2 = 1L) => _diagonal.Call(this, offset, dim1, dim2);
        private static readonly Operator _as_strided = new("aten::as_strided");
        public Tensor as_strided(long[] size, long[] strides, long? storage_offset = null) => _as_strided.Call(this, size, strides, storage_offset);
        private static readonly Operator _unfold = new("aten::unfold");
        public Tensor unfold(long dimension, long size, long step) => _unfold.Call(this, dimension, size, step);

        private static readonly Operator _split = new("aten::split", "Tensor"); public Tensor[] split(long size, long dim = 0L) => _split.CallList(this, size, dim);
        private static readonly Operator _splitSizes = new("aten::split_with_sizes");
        public Tensor[] split(long[] sizes, long dim = 0L) => _splitSizes.CallList(this, sizes, dim);
        private static readonly Operator _chunk = new("aten::chunk"); public Tensor[] chunk(long chunks, long dim = 0L) => _chunk.CallList(this, chunks, dim);
        private static readonly Operator _unbind = new("aten::unbind", "int"); public Tensor[] unbind(long dim = 0L) => _unbind.CallList(this, dim);

        private static readonly Operator _tril = new("aten::tril"); public Tensor tril(long diagonal = 0L) => _tril.Call(this, diagonal);
        private static readonly Operator _triu = new("aten::triu"); public Tensor triu(long diagonal = 0L) => _triu.Call(this, diagonal);
        private static readonly Operator _tril_ = new("aten::tril_"); public Tensor tril_(long diagonal = 0L) => InPlace(_tril_, this, diagonal);
        private static readonly Operator _triu_ = new("aten::triu_"); public Tensor triu_(long diagonal = 0L) => InPlace(_triu_, this, diagonal);
    }
}
