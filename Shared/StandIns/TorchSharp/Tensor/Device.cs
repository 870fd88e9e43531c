using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Where a tensor lives: <c>cpu</c>, <c>cuda</c> (the current device) or <c>cuda:N</c>.</summary>
    public class Device : IEquatable<Device>
    {
        public Device(DeviceType type, int index = -1)
        {
            this.type = type;
            this.index = type == DeviceType.CPU ? -1 : index;
        }

        public Device(int index) : this(DeviceType.CUDA, index)
        {
        }

        public Device(string description)
        {
            var parts = description.Split(':');
            if (parts.Length > 2 || !Enum.TryParse<DeviceType>(parts[0], ignoreCase: true, out var found) || !parts[0].All(char.IsAsciiLetter))
            {
                throw new FormatException($"'{description}' is not a device. Write cpu, cuda or cuda:N.");
            }
            type = found;
            index = -1;
            if (parts.Length == 2)
            {
                if (!int.TryParse(parts[1], out var number) || number < 0 || number > sbyte.MaxValue)
                {
                    throw new FormatException($"'{description}' is not a device: '{parts[1]}' is not an index. Write cpu, cuda or cuda:N.");
                }
                index = type == DeviceType.CPU ? -1 : number;
            }
        }

        public Device(string type, int index = -1) : this(index < 0 ? type : $"{type}:{index}")
        {
        }

        public DeviceType type { get; }

        /// <summary>-1 for a CPU, and for the current device of another type.</summary>
        public int index { get; }

        /// <summary>As the shim has it: the type in the low 8 bits, the index above.</summary>
        internal long Packed => (byte)type | ((long)index << 8);

        internal static Device FromPacked(long packed) => new((DeviceType)(packed & 0xff), (int)(packed >> 8));

        public bool Equals(Device? other) => other is not null && other.type == type && other.index == index;

        public override bool Equals(object? obj) => Equals(obj as Device);

        public override int GetHashCode() => HashCode.Combine(type, index);

        public static bool operator ==(Device? left, Device? right) => left is null ? right is null : left.Equals(right);

        public static bool operator !=(Device? left, Device? right) => !(left == right);

        public static implicit operator Device(string description) => new(description);

        public override string ToString() =>
            index >= 0 ? $"{type.ToString().ToLowerInvariant()}:{index}" : type.ToString().ToLowerInvariant();
    }

    public static readonly Device CPU = new(DeviceType.CPU);
    public static readonly Device CUDA = new(DeviceType.CUDA);
    public static readonly Device META = new(DeviceType.META);

    public static Device device(string description) => new(description);

    public static Device device(string type, int index = -1) => new(type, index);

    public static Device device(int index) => new(index);

    public static Device device(DeviceType type, int index = -1) => new(type, index);

    public static bool cuda_is_available() => cuda.is_available();

    public static class cuda
    {
        public static bool is_available() => device_count() > 0;

        public static int device_count() => NativeMethods.ot_cuda_count();

        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static Generator manual_seed_all(long seed) => torch.manual_seed(seed);

        /// <summary>Waits until everything that was started on the device has ended.</summary>
        public static void synchronize(Device? device = null) =>
            NativeMethods.Check(NativeMethods.ot_cuda_synchronize(Math.Max(device?.index ?? 0, 0)));
    }
}
