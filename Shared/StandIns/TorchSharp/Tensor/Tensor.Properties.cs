using System.Text;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public long Dimensions => Keep(NativeMethods.ot_tensor_dimensions(Handle));

        public long ndim => Dimensions;

        public long dim() => Dimensions;

        /// <summary>The size of every dimension.</summary>
        public unsafe long[] shape
        {
            get
            {
                var pointer = Handle;
                var sizes = new ReadOnlySpan<long>(NativeMethods.ot_tensor_sizes(pointer), NativeMethods.ot_tensor_dimensions(pointer)).ToArray();
                GC.KeepAlive(this);
                return sizes;
            }
        }

        public long[] size() => shape;

        public unsafe long size(int dim)
        {
            var pointer = Handle;
            var dimensions = NativeMethods.ot_tensor_dimensions(pointer);
            var at = dim < 0 ? dim + dimensions : dim;
            if (at < 0 || at >= dimensions)
            {
                throw new ArgumentOutOfRangeException(nameof(dim), dim, $"The tensor has {dimensions} dimensions.");
            }
            return Keep(NativeMethods.ot_tensor_sizes(pointer)[at]);
        }

        public long[] stride()
        {
            var strides = new long[Dimensions];
            for (var i = 0; i < strides.Length; i++)
            {
                strides[i] = stride(i);
            }
            return strides;
        }

        public long stride(int dim)
        {
            NativeMethods.Check(NativeMethods.ot_tensor_stride(Handle, dim, out var found));
            return Keep(found);
        }

        public long NumberOfElements => Keep(NativeMethods.ot_tensor_count(Handle));

        public long numel() => NumberOfElements;

        public ScalarType dtype => (ScalarType)Keep(NativeMethods.ot_tensor_dtype(Handle));

        public long ElementSize => dtype.ElementSize();

        public long element_size() => ElementSize;

        public Device device => Device.FromPacked(Keep(NativeMethods.ot_tensor_device(Handle)));

        public DeviceType device_type => device.type;

        public int device_index => device.index;

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_contiguous() => Keep(NativeMethods.ot_tensor_is_contiguous(Handle)) != 0;

        public bool is_sparse => Keep(NativeMethods.ot_tensor_is_sparse(Handle)) != 0;

        public bool is_integral() => torch.is_integral(dtype);

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public bool is_complex() => torch.is_complex(dtype);

        /// <summary>Offset into the storage, in elements.</summary>
        public long storage_offset() => Keep(NativeMethods.ot_tensor_storage_offset(Handle));

        public override string ToString()
        {
            if (IsInvalid)
            {
                return "[disposed tensor]";
            }
            var text = new StringBuilder("[").AppendJoin('x', shape).Append("], type = ").Append(dtype).Append(", device = ").Append(device);
            if (NumberOfElements == 1 && is_cpu() && !is_complex())
            {
                text.Append(", value = ").Append(item());
            }
            return text.ToString();
        }

        /// <summary>The value of a tensor of one element.</summary>
        internal unsafe Scalar item()
        {
            NativeValue value;
            NativeMethods.Check(NativeMethods.ot_tensor_item(Handle, &value));
            return Keep(Scalar.From(in value));
        }

        /// <summary>Holds this object until the native call whose result it is given has returned.</summary>
        private T Keep<T>(T result)
        {
            GC.KeepAlive(this);
            return result;
        }
    }
}
