using TorchSharp.Interop;

namespace TorchSharp.Extensions;

/// <summary>Parameters as views of one flat tensor: what TorchSharp has no name for. The one place outside of its surface that the training engine uses.</summary>
public static class FlatViews
{
    /// <summary>The parameter keeps its identity and takes over the view's storage: from now on both share their elements.</summary>
    /// <param name="parameter">A leaf.</param>
    /// <param name="view">Same shape, type and device; may be disposed afterwards.</param>
    public static void SetData(torch.Tensor parameter, torch.Tensor view)
    {
        NativeMethods.Check(NativeMethods.ot_set_data(parameter.Handle, view.Handle));
        GC.KeepAlive(parameter);
        GC.KeepAlive(view);
    }
}
