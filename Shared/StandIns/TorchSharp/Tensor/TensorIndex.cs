namespace TorchSharp;

public static partial class torch
{
    /// <summary>One part of an index expression: a number, a slice, a mask or index tensor, a new dimension, or an ellipsis.</summary>
    public readonly struct TensorIndex
    {
        internal enum Kind
        {
            Null,
            Ellipsis,
            Single,
            Slice,
            Bool,
            Tensor,
        }

        internal readonly Kind What;
        internal readonly long? Start;
        internal readonly long? Stop;
        internal readonly long? Step;
        internal readonly Tensor? Indices;

        private TensorIndex(Kind what, long? start = null, long? stop = null, long? step = null, Tensor? indices = null)
        {
            What = what;
            Start = start;
            Stop = stop;
            Step = step;
            Indices = indices;
        }

        /// <summary>Everything of a dimension.</summary>
        public static TensorIndex Colon => new(Kind.Slice);

        /// <summary>As many whole dimensions as are needed.</summary>
        public static TensorIndex Ellipsis => new(Kind.Ellipsis);

        /// <summary>A new dimension of size one.</summary>
        public static TensorIndex Null => new(Kind.Null);

        public static TensorIndex None => Null;

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) => new(Kind.Slice, start, stop, step);

        public static TensorIndex Single(long? index) => new(Kind.Single, index);

        public static TensorIndex Bool(bool value) => new(Kind.Bool, value ? 1 : 0);

        public static TensorIndex Tensor(Tensor tensor) => new(Kind.Tensor, indices: tensor);

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex(int value) => Single(value);

        public static implicit operator TensorIndex(bool value) => Bool(value);

        public static implicit operator TensorIndex(Tensor tensor) => Tensor(tensor);

        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range.start, range.end);

        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);

        public static implicit operator TensorIndex(Range range)
        {
            long? start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            long? stop = range.End is { IsFromEnd: true, Value: 0 } ? null : range.End.IsFromEnd ? -range.End.Value : range.End.Value;
            return Slice(start, stop);
        }
    }
}
