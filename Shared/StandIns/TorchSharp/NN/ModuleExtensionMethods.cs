using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Moving and converting a module, in place; each returns the module itself.</summary>
public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, Device device) where T : nn.Module => (T)module._to(device, null);

    public static T to<T>(this T module, ScalarType type) where T : nn.Module => (T)module._to(null, type);

    public static T to<T>(this T module, Device device, ScalarType type) where T : nn.Module => (T)module._to(device, type);

    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1) where T : nn.Module =>
        (T)module._to(new Device(deviceType, deviceIndex), null);

    public static T to<T>(this T module, Tensor other) where T : nn.Module => (T)module._to(other.device, other.dtype);

    public static T cpu<T>(this T module) where T : nn.Module => (T)module._to(CPU, null);

    public static T cuda<T>(this T module, int deviceIndex = -1) where T : nn.Module => (T)module._to(new Device(DeviceType.CUDA, deviceIndex), null);

    public static T half<T>(this T module) where T : nn.Module => (T)module._to(null, ScalarType.Float16);

    public static T bfloat16<T>(this T module) where T : nn.Module => (T)module._to(null, ScalarType.BFloat16);

    public static T @float<T>(this T module) where T : nn.Module => (T)module._to(null, ScalarType.Float32);

    public static T @double<T>(this T module) where T : nn.Module => (T)module._to(null, ScalarType.Float64);
}
