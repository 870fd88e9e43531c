using System.Runtime.InteropServices;
using System.Runtime.ExceptionServices;
using TorchSharp.Interop;
using TorchSharp.Modules;

namespace TorchSharp.Extensions;

/// <summary>
/// Calls back during each backward pass, right after the parameter's gradient of the pass has been added into its grad: what
/// lets sending a gradient overlap the rest of the pass. Runs on the thread that computes the backward pass, so it must be short.
/// </summary>
/// <remarks>
/// An exception in the callback ends the backward pass with an error; it is thrown again by <see cref="ThrowIfFailed"/>. Dispose it
/// when no backward pass is running.
/// </remarks>
public sealed unsafe class GradientHook : IDisposable
{
    private readonly Action<Parameter> callback;
    private readonly Parameter parameter;
    private GCHandle self;
    private nint registration;
    private ExceptionDispatchInfo? failure;

    public GradientHook(Parameter parameter, Action<Parameter> callback)
    {
        this.parameter = parameter;
        this.callback = callback;
        self = GCHandle.Alloc(this);
        var status = NativeMethods.ot_hook_add(parameter.Handle, &Called, GCHandle.ToIntPtr(self), out registration);
        if (status < 0)
        {
            self.Free();
            throw NativeMethods.LastError();
        }
    }

    /// <summary>Throws what the callback threw, once.</summary>
    public void ThrowIfFailed() => Interlocked.Exchange(ref failure, null)?.Throw();

    public void Dispose()
    {
        if (registration != 0)
        {
            NativeMethods.ot_hook_remove(registration);
            registration = 0;
            self.Free();
        }
    }

    [UnmanagedCallersOnly]
    private static int Called(nint argument)
    {
        var hook = (GradientHook)GCHandle.FromIntPtr(argument).Target!;
        try
        {
            hook.callback(hook.parameter);
            return 0;
        }
        catch (Exception cause)
        {
            hook.failure = ExceptionDispatchInfo.Capture(cause);
            return 1;
        }
    }
}
