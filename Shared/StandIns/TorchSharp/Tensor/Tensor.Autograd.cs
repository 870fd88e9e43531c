using TorchSharp.Extensions;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    // Gradients.
    public partial class Tensor
    {
        /// <summary>Whether gradients with respect to this tensor are wanted.</summary>
        public bool requires_grad
        {
            get => Keep(NativeMethods.ot_requires_grad_get(Handle)) != 0;
            set => Keep(NativeMethods.Check(NativeMethods.ot_requires_grad_set(Handle, value ? 1 : 0)));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>Made by the user, or not part of a graph.</summary>
        public bool is_leaf => Keep(NativeMethods.ot_is_leaf(Handle)) != 0;

        /// <summary>Asks that backward() fills the gradient of a tensor that is no leaf.</summary>
        public void retain_grad() => Keep(NativeMethods.Check(NativeMethods.ot_retain_grad(Handle)));

        /// <summary>
        /// The gradient, or null. Every reading gives a new object over the same gradient; dispose it, or read it inside a scope.
        /// </summary>
        public Tensor? grad
        {
            get
            {
                NativeMethods.Check(NativeMethods.ot_grad_get(Handle, out var found));
                return Keep(found == 0 ? null : new Tensor(found));
            }
            set
            {
                Keep(NativeMethods.Check(NativeMethods.ot_grad_set(Handle, value?.Handle ?? 0)));
                GC.KeepAlive(value);
            }
        }

        private static readonly Operator _detach = new("aten::detach"); public Tensor detach() => _detach.Call(this);
        private static readonly Operator _detach_ = new("aten::detach_"); public Tensor detach_() => InPlace(_detach_, this);

        /// <summary>Adds the gradients of this tensor, which must have one element unless grad_tensors are given, into the leaves' grad.</summary>
        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            if (inputs is null)
            {
                autograd.backward([this], grad_tensors, retain_graph, create_graph);
                return;
            }
            var gradients = autograd.grad([this], inputs, grad_tensors, retain_graph, create_graph);
            for (var i = 0; i < gradients.Count; i++)
            {
                using var former = inputs[i].grad;
                inputs[i].grad = former is null ? gradients[i] : former + gradients[i];
            }
        }
    }
}
