namespace TorchSharp;

/// <summary>Forgetting and clearing gradients.</summary>
internal static class Gradients
{
    internal static void Clear(torch.Tensor parameter, bool setToNone)
    {
        if (setToNone)
        {
            parameter.grad = null;
            return;
        }
        using var gradient = parameter.grad;
        if (gradient is not null)
        {
            using var _ = torch.no_grad();
            gradient.detach_().zero_();
        }
    }
}
