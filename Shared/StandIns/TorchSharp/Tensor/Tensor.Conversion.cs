using TorchSharp.Extensions;

namespace TorchSharp;

public static partial class torch
{
    // Conversion, copies and filling in place.
    public partial class Tensor
    {
        private static readonly Operator _to = new("aten::to", "dtype_layout");

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(_to.Call(this, type, Argument.None, device, Argument.None, non_blocking, copy), disposeAfter);

        public Tensor to(Device device, ScalarType type, bool non_blocking = false) => to(type, device, non_blocking: non_blocking);

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(_to.Call(this, type, Argument.None, Argument.None, Argument.None, non_blocking, copy), disposeAfter);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(_to.Call(this, Argument.None, Argument.None, device, Argument.None, non_blocking, copy), disposeAfter);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other) => to(other.dtype, other.device);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(type, copy, disposeAfter, non_blocking);

        public Tensor type(ScalarType type) => to(type);
        public Tensor type_as(Tensor tensor) => to(tensor);
        public Tensor cpu(bool disposeAfter = false, bool non_blocking = false) => to(CPU, disposeAfter: disposeAfter, non_blocking: non_blocking);

        public Tensor cuda(Device? device = null, bool disposeAfter = false, bool non_blocking = false) =>
            to(device ?? CUDA, disposeAfter: disposeAfter, non_blocking: non_blocking);

        public Tensor @bool() => to(ScalarType.Bool);
        public Tensor @byte() => to(ScalarType.Byte);
        public Tensor @char() => to(ScalarType.Int8);
        public Tensor @short() => to(ScalarType.Int16);
        public Tensor @int() => to(ScalarType.Int32);
        public Tensor @long() => to(ScalarType.Int64);
        public Tensor half() => to(ScalarType.Float16);
        public Tensor bfloat16() => to(ScalarType.BFloat16);
        public Tensor @float() => to(ScalarType.Float32);
        public Tensor @double() => to(ScalarType.Float64);

        private static readonly Operator _clone = new("aten::clone"); public Tensor clone() => _clone.Call(this);
        private static readonly Operator _pin_memory = new("aten::pin_memory"); public Tensor pin_memory() => _pin_memory.Call(this);
        private static readonly Operator _copy_ = new("aten::copy_");
        public Tensor copy_(Tensor source, bool non_blocking = false) => InPlace(_copy_, this, source, non_blocking);
        private static readonly Operator _zero_ = new("aten::zero_"); public Tensor zero_() => InPlace(_zero_, this);
        private static readonly Operator _fill_ = new("aten::fill_", "Scalar"); public Tensor fill_(Scalar value) => InPlace(_fill_, this, value);
        private static readonly Operator _fillTensor_ = new("aten::fill_", "Tensor"); public Tensor fill_(Tensor value) => InPlace(_fillTensor_, this, value);

        private static readonly Operator _normal_ = new("aten::normal_");
        public Tensor normal_(double mean = 0.0, double stddev = 1.0, Generator? generator = null) => InPlace(_normal_, this, mean, stddev, generator);
        private static readonly Operator _uniform_ = new("aten::uniform_");
        public Tensor uniform_(double from = 0.0, double to = 1.0, Generator? generator = null) => InPlace(_uniform_, this, from, to, generator);
        private static readonly Operator _bernoulli = new("aten::bernoulli");
        public Tensor bernoulli(Generator? generator = null) => _bernoulli.Call(this, generator);
        private static readonly Operator _bernoulli_ = new("aten::bernoulli_", "float");
        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => InPlace(_bernoulli_, this, p, generator);
        private static readonly Operator _random_ = new("aten::random_", "from");

        /// <summary>Whole numbers from <paramref name="from"/> up to, and without, <paramref name="to"/>.</summary>
        public Tensor random_(long from, long to, Generator? generator = null) => InPlace(_random_, this, from, to, generator);

        private Tensor Converted(Tensor result, bool disposeAfter)
        {
            if (disposeAfter)
            {
                Dispose();
            }
            return result;
        }
    }
}
