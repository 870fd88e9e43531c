using System.Runtime.InteropServices;
using TorchSharp.Interop;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>The elements in row-major order, read where they lie. Valid while the tensor lives.</summary>
        /// <exception cref="InvalidOperationException">The tensor is not on the CPU.</exception>
        /// <exception cref="ArgumentException"><typeparamref name="T"/> is not the tensor's element type.</exception>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            OnCpu();
            ElementTypes.Check<T>(dtype);
            return new TensorAccessor<T>(this);
        }

        /// <summary>The only element.</summary>
        public T item<T>() where T : unmanaged
        {
            ElementTypes.Check<T>(dtype);
            using var onCpu = is_cpu() ? alias() : cpu();
            return NumberOfElements == 1
                ? MemoryMarshal.Read<T>(onCpu.RawBytes())
                : throw new ArgumentException($"item() needs a tensor of one element; this one has {NumberOfElements} (shape [{string.Join(", ", shape)}]).");
        }

        /// <summary>All elements in memory order; writing through it writes the tensor. Only for a contiguous tensor on the CPU.</summary>
        public Span<byte> bytes
        {
            get
            {
                Contiguous();
                OnCpu();
                return RawBytes();
            }
            set
            {
                Contiguous();
                var wanted = NumberOfElements * ElementSize;
                if (wanted != value.Length)
                {
                    throw new ArgumentException($"{value.Length} bytes were given for a tensor of {wanted} bytes.");
                }
                if (is_cpu())
                {
                    value.CopyTo(RawBytes());
                    return;
                }
                using var _ = no_grad();
                using var staged = empty(shape, dtype: dtype);
                value.CopyTo(staged.RawBytes());
                copy_(staged);
            }
        }

        internal unsafe nint DataPointer
        {
            get
            {
                NativeMethods.Check(NativeMethods.ot_tensor_data(Handle, out var memory));
                return Keep(memory);
            }
        }

        private unsafe Span<byte> RawBytes()
        {
            var count = NumberOfElements * ElementSize;
            return count <= int.MaxValue
                ? new Span<byte>((void*)DataPointer, (int)count)
                : throw new ArgumentException($"The tensor has {count} bytes; a span holds at most {int.MaxValue}. Narrow it first.");
        }

        private void OnCpu()
        {
            if (!is_cpu())
            {
                throw new InvalidOperationException($"The tensor is on {device}; its memory cannot be read from here. Call cpu() first.");
            }
        }

        private void Contiguous()
        {
            if (!is_contiguous())
            {
                throw new InvalidOperationException("The tensor is not contiguous. Call contiguous() first.");
            }
        }
    }
}

/// <summary>The value of a tensor of one element, converted to a C# type.</summary>
public static class TensorExtensionMethods
{
    public static double ToDouble(this torch.Tensor value) => value.item().AsDouble;
    public static float ToSingle(this torch.Tensor value) => (float)value.item().AsDouble;
    public static Half ToHalf(this torch.Tensor value) => (Half)value.item().AsDouble;
    public static long ToInt64(this torch.Tensor value) => value.item().AsLong;
    public static int ToInt32(this torch.Tensor value) => checked((int)value.item().AsLong);
    public static short ToInt16(this torch.Tensor value) => checked((short)value.item().AsLong);
    public static sbyte ToSByte(this torch.Tensor value) => checked((sbyte)value.item().AsLong);
    public static byte ToByte(this torch.Tensor value) => checked((byte)value.item().AsLong);
    public static bool ToBoolean(this torch.Tensor value) => value.item().AsBool;
    public static Scalar ToScalar(this torch.Tensor value) => value.item();

    /// <summary>A tensor of one dimension from an array.</summary>
    public static torch.Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false)
        where T : unmanaged => torch.tensor(rawArray, dimensions, requires_grad: requires_grad);

    /// <summary>A tensor without dimensions.</summary>
    public static torch.Tensor ToTensor<T>(this T scalar, torch.Device? device = null, bool requires_grad = false)
        where T : unmanaged => torch.tensor(scalar, device: device, requires_grad: requires_grad);
}
