namespace TorchSharp.Modules;

/// <summary>
/// A tensor that is trained. It takes over what the given tensor holds: that may not be used afterwards. No dispose scope owns it.
/// </summary>
public class Parameter : torch.Tensor
{
    public Parameter(torch.Tensor data, bool requires_grad = true) : base(Leaf(data))
    {
        DetachFromDisposeScope();
        data.Dispose();
        this.requires_grad = requires_grad && is_floating_point();
    }

    internal Parameter(nint handle) : base(handle) => DetachFromDisposeScope();

    private static nint Leaf(torch.Tensor data)
    {
        if (data.is_leaf)
        {
            return Interop.NativeMethods.ot_tensor_share(data.Handle);
        }
        using var detached = data.detach();
        return Interop.NativeMethods.ot_tensor_share(detached.Handle);
    }
}
