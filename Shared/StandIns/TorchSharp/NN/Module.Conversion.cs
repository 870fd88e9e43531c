using TorchSharp.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>
            /// Moves and converts in place: parameters and buffers stay the same objects, and gradients move along. A conversion to a floating
            /// point type leaves integer tensors as they are.
            /// </summary>
            protected internal virtual Module _to(Device? device, ScalarType? dtype)
            {
                if (device is { type: DeviceType.CUDA } && !cuda.is_available())
                {
                    throw new InvalidOperationException($"{GetName()} cannot be moved to {device}: no CUDA device is available. Use cpu.");
                }
                using var _ = no_grad();
                foreach (var (_, parameter) in ownParameters)
                {
                    Convert(parameter, device, dtype);
                }
                foreach (var (_, buffer) in ownBuffers)
                {
                    Convert(buffer, device, dtype);
                }
                foreach (var (_, module) in submodules)
                {
                    module._to(device, dtype);
                }
                return this;
            }

            private static void Convert(Tensor tensor, Device? device, ScalarType? dtype)
            {
                var type = dtype is { } wanted && tensor.is_floating_point() && is_floating_point(wanted) ? wanted : tensor.dtype;
                var place = device ?? tensor.device;
                if (type == tensor.dtype && place == tensor.device)
                {
                    return;
                }
                using var scope = NewDisposeScope();
                if (tensor is not Parameter)
                {
                    tensor.TakeOver(tensor.to(type, place));
                    return;
                }
                var gradient = tensor.grad;
                using var converted = tensor.to(type, place);
                NativeMethods.Check(NativeMethods.ot_set_data(tensor.Handle, converted.Handle));
                if (gradient is not null)
                {
                    tensor.grad = gradient.to(type, place);
                }
            }
        }
    }
}
