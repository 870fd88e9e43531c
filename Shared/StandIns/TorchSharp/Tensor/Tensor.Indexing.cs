using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Operator _index = new("aten::index", "Tensor");
        private static readonly Operator _index_put_ = new("aten::index_put_");

        /// <summary>As in PyTorch: numbers, slices and new dimensions give a view; masks and index tensors give a copy.</summary>
        public Tensor this[params TensorIndex[] indices]
        {
            get
            {
                var (view, advanced) = Located(indices);
                if (advanced is null)
                {
                    return view;
                }
                var found = _index.Call(view, advanced);
                view.Dispose();
                return found;
            }
            set
            {
                var (view, advanced) = Located(indices);
                if (advanced is null)
                {
                    view.copy_(value);
                }
                else
                {
                    _index_put_.Run(view, advanced, value);
                }
                view.Dispose();
            }
        }

        public Tensor index(params TensorIndex[] indices) => this[indices];

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            this[indices] = value;
            return this;
        }

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var filled = full([], value, dtype: dtype, device: device);
            return index_put_(filled, indices);
        }

        /// <summary>
        /// Applies numbers, slices and new dimensions one after the other. What is left for masks and index tensors is a list with one
        /// entry for each dimension of the view, null where the whole dimension is meant.
        /// </summary>
        private (Tensor View, Tensor?[]? Advanced) Located(TensorIndex[] indices)
        {
            var given = indices.Count(index => index.What is not (TensorIndex.Kind.Null or TensorIndex.Kind.Ellipsis or TensorIndex.Kind.Bool)) +
                indices.Where(index => index is { What: TensorIndex.Kind.Tensor, Indices.dtype: ScalarType.Bool })
                    .Sum(index => (int)index.Indices!.Dimensions - 1);
            if (given > Dimensions)
            {
                throw new ArgumentException($"{given} indices were given for a tensor of {Dimensions} dimensions (shape [{string.Join(", ", shape)}]).");
            }
            var view = alias();
            var advanced = new List<Tensor?>();
            var isAdvanced = false;
            var at = 0L;
            foreach (var index in indices)
            {
                switch (index.What)
                {
                    case TensorIndex.Kind.Single:
                        view = Replaced(view, view.select(at, index.Start!.Value));
                        break;
                    case TensorIndex.Kind.Slice:
                        view = Replaced(view, _slice.Call(view, at++, index.Start, index.Stop, index.Step ?? 1));
                        advanced.Add(null);
                        break;
                    case TensorIndex.Kind.Null:
                        view = Replaced(view, view.unsqueeze(at++));
                        advanced.Add(null);
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        for (var skipped = Dimensions - given; skipped > 0; skipped--)
                        {
                            at++;
                            advanced.Add(null);
                        }
                        break;
                    case TensorIndex.Kind.Bool:
                        view = Replaced(view, view.unsqueeze(at++));
                        advanced.Add(tensor(new[] { index.Start == 1 }, device: device));
                        isAdvanced = true;
                        break;
                    default:
                        at += index.Indices!.dtype == ScalarType.Bool ? index.Indices.Dimensions : 1;
                        advanced.Add(index.Indices);
                        isAdvanced = true;
                        break;
                }
            }
            return (view, isAdvanced ? advanced.ToArray() : null);
        }

        private static Tensor Replaced(Tensor former, Tensor next)
        {
            former.Dispose();
            return next;
        }
    }
}
