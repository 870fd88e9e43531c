using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A tensor of libtorch. Whoever makes one disposes it, or makes it inside a <see cref="NewDisposeScope"/>, which disposes what
    /// was not moved out. The finalizer frees what was forgotten, at a time that nobody knows.
    /// </summary>
    /// <remarks>Operators that end in an underscore work in place and return this same object.</remarks>
    public partial class Tensor : IDisposable
    {
        internal TensorHandle SafeHandle;

        /// <summary>Position in the owning scope's list; meaningless without an owner.</summary>
        internal int ScopeIndex;

        internal DisposeScope? OwningDisposeScope { get; set; }

        internal Tensor(nint handle)
        {
            SafeHandle = new TensorHandle(handle);
            OwningDisposeScope = DisposeScopeManager.RegisterOnCurrent(this);
            if (OwningDisposeScope is null)
            {
                SafeHandle.Watch();
            }
        }

        /// <summary>A friendly name, for debugging.</summary>
        public string? name { get; set; }

        /// <summary>The number of tensors in the hands of C# code and not yet disposed.</summary>
        public static long TotalCount => TensorHandle.AliveCount;

        public static long PeakCount => TensorHandle.PeakCount;

        /// <summary>True after Dispose.</summary>
        public bool IsInvalid => SafeHandle.IsClosed;

        /// <exception cref="InvalidOperationException">The tensor has been disposed.</exception>
        public nint Handle => SafeHandle.IsClosed ? throw Disposed() : SafeHandle.Pointer;

        internal static InvalidOperationException Disposed() => new(
            "This tensor has been disposed. If it was made inside a dispose scope and is needed outside, call MoveToOuterDisposeScope() on it " +
            "before the scope ends.");

        public void Dispose()
        {
            OwningDisposeScope?.MarkAsDisposed(this);
            SafeHandle.Dispose();
        }

        /// <summary>Moves the tensor to the enclosing scope; without one, nobody disposes it but you.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        /// <summary>Moves the tensor to the scope that owns <paramref name="other"/>.</summary>
        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (other is null)
            {
                return DetachFromDisposeScope();
            }
            if (OwningDisposeScope is null)
            {
                other.Attach(this);
            }
            else
            {
                OwningDisposeScope.MoveToOther(other, this);
            }
            return this;
        }

        /// <summary>No scope disposes the tensor any more.</summary>
        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        /// <summary>One more owner of the same libtorch tensor.</summary>
        public Tensor alias()
        {
            var shared = NativeMethods.ot_tensor_share(Handle);
            GC.KeepAlive(this);
            return new Tensor(shared);
        }

        /// <summary>This object takes over what <paramref name="other"/> holds; other is disposed. Scopes stay as they are.</summary>
        internal void TakeOver(Tensor other)
        {
            var former = SafeHandle;
            other.OwningDisposeScope?.Detach(other);
            SafeHandle = other.SafeHandle;
            other.SafeHandle = former;
            former.Dispose();
        }

        public override bool Equals(object? obj) => ReferenceEquals(this, obj);

        public override int GetHashCode() => base.GetHashCode();
    }
}
