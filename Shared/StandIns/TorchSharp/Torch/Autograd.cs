using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static class autograd
    {
        /// <summary>Adds the gradients of <paramref name="tensors"/> into the leaves' grad.</summary>
        public static unsafe void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false)
        {
            using var roots = new HeldTensors(tensors);
            using var gradients = new HeldTensors(grad_tensors ?? []);
            SameCount(tensors, grad_tensors);
            fixed (nint* root = roots.Pointers, gradient = gradients.Pointers)
            {
                NativeMethods.Check(NativeMethods.ot_backward(
                    root, tensors.Count, grad_tensors is null ? null : gradient, retain_graph ? 1 : 0, create_graph ? 1 : 0));
            }
        }

        /// <summary>The gradients of <paramref name="outputs"/> with respect to <paramref name="inputs"/>; null where an input is not used.</summary>
        public static unsafe IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null,
            bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            using var from = new HeldTensors(outputs);
            using var to = new HeldTensors(inputs);
            using var gradients = new HeldTensors(grad_outputs ?? []);
            SameCount(outputs, grad_outputs);
            var results = new nint[inputs.Count];
            fixed (nint* output = from.Pointers, input = to.Pointers, gradient = gradients.Pointers, result = results)
            {
                NativeMethods.Check(NativeMethods.ot_grad(output, outputs.Count, input, inputs.Count, grad_outputs is null ? null : gradient,
                    retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, result));
            }
            return Array.ConvertAll(results, found => found == 0 ? null! : new Tensor(found));
        }

        private static void SameCount(IList<Tensor> tensors, IList<Tensor>? gradients)
        {
            if (gradients is not null && gradients.Count != tensors.Count)
            {
                throw new ArgumentException($"{gradients.Count} gradients were given for {tensors.Count} tensors.");
            }
        }
    }

    /// <summary>Sets the gradient mode of this thread until it is disposed.</summary>
    public sealed class AutoGradMode : IDisposable
    {
        private readonly int former = NativeMethods.ot_grad_mode_get();
        private bool ended;

        public AutoGradMode(bool enabled) => NativeMethods.ot_grad_mode_set(enabled ? 1 : 0);

        public static bool IsEnabled => NativeMethods.ot_grad_mode_get() != 0;

        public void Dispose()
        {
            if (!ended)
            {
                ended = true;
                NativeMethods.ot_grad_mode_set(former);
            }
        }
    }

    /// <summary>No graph and no version counters until it is disposed, by the thread that made it.</summary>
    public sealed class InferenceMode : IDisposable
    {
        private nint guard;

        public InferenceMode(bool mode) => guard = NativeMethods.ot_inference_mode_enter(mode ? 1 : 0);

        public void Dispose()
        {
            if (guard != 0)
            {
                NativeMethods.ot_inference_mode_leave(guard);
                guard = 0;
            }
        }
    }

    public static AutoGradMode no_grad() => new(false);

    public static AutoGradMode enable_grad(bool enabled = true) => new(enabled);

    public static AutoGradMode set_grad_enabled(bool mode = true) => new(mode);

    public static bool is_grad_enabled() => AutoGradMode.IsEnabled;

    public static InferenceMode inference_mode(bool mode = true) => new(mode);

    public static bool is_inference_mode_enabled() => NativeMethods.ot_is_inference_mode() != 0;
}
