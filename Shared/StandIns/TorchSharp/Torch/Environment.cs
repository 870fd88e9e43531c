using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>libtorch's version, for example 1.13.1.</summary>
    public static string __version__ => Marshal.PtrToStringUTF8(NativeMethods.ot_version())!;

    /// <summary>Threads inside one operator.</summary>
    public static void set_num_threads(int num) => NativeMethods.Check(NativeMethods.ot_set_num_threads(num));

    public static int get_num_threads() => NativeMethods.ot_get_num_threads();

    /// <summary>Threads between operators. libtorch takes it once, before it has used any.</summary>
    public static void set_num_interop_threads(int num) => NativeMethods.Check(NativeMethods.ot_set_num_interop_threads(num));

    /// <summary>Seeds the default generators of the CPU and of every CUDA device.</summary>
    public static Generator manual_seed(long seed)
    {
        NativeMethods.Check(NativeMethods.ot_manual_seed(unchecked((ulong)seed)));
        return Generator.Default;
    }

    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static Tensor get_rng_state() => Generator.Default.get_state();

        public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);

        public static long initial_seed() => Generator.Default.initial_seed();
    }

    public static class backends
    {
        /// <summary>cuDNN takes part where libtorch has it.</summary>
        internal const bool cudnn_enabled = true;

        public static class cudnn
        {
            public static bool allow_tf32 { get => Flag("cudnn_tf32"); set => SetFlag("cudnn_tf32", value); }

            public static bool benchmark { get => Flag("cudnn_benchmark"); set => SetFlag("cudnn_benchmark", value); }

            public static bool deterministic { get => Flag("cudnn_deterministic"); set => SetFlag("cudnn_deterministic", value); }
        }

        public static class cuda
        {
            public static class matmul
            {
                public static bool allow_tf32 { get => Flag("cublas_tf32"); set => SetFlag("cublas_tf32", value); }
            }
        }

        private static bool Flag(string name) => NativeMethods.Check(NativeMethods.ot_get_flag(name)) != 0;

        private static void SetFlag(string name, bool value) => NativeMethods.Check(NativeMethods.ot_set_flag(name, value ? 1 : 0));
    }

    /// <summary>A stream of random numbers.</summary>
    public class Generator : IDisposable
    {
        private static readonly Lazy<Generator> OfCpu = new(() =>
        {
            NativeMethods.Check(NativeMethods.ot_generator_default(CPU.Packed, out var found));
            return new Generator(found);
        });

        private nint pointer;

        public Generator(ulong seed = 0, Device? device = null)
        {
            NativeMethods.Check(NativeMethods.ot_generator_new((device ?? CPU).Packed, seed, out pointer));
        }

        private Generator(nint pointer) => this.pointer = pointer;

        ~Generator() => Free();

        /// <summary>The generator of the CPU that operators use when none is named.</summary>
        public static Generator Default => OfCpu.Value;

        internal nint Pointer => pointer != 0 ? pointer : throw new ObjectDisposedException(nameof(Generator));

        public Generator manual_seed(long seed)
        {
            NativeMethods.Check(NativeMethods.ot_generator_seed_set(Pointer, unchecked((ulong)seed)));
            return this;
        }

        public long initial_seed()
        {
            NativeMethods.Check(NativeMethods.ot_generator_seed_get(Pointer, out var seed));
            return unchecked((long)seed);
        }

        /// <summary>The whole state, as bytes.</summary>
        public Tensor get_state()
        {
            NativeMethods.Check(NativeMethods.ot_generator_state_get(Pointer, out var state));
            return new Tensor(state);
        }

        public void set_state(Tensor value)
        {
            NativeMethods.Check(NativeMethods.ot_generator_state_set(Pointer, value.Handle));
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            if (!ReferenceEquals(this, OfCpu.IsValueCreated ? OfCpu.Value : null))
            {
                Free();
                GC.SuppressFinalize(this);
            }
        }

        private void Free()
        {
            if (pointer != 0)
            {
                NativeMethods.ot_generator_free(pointer);
                pointer = 0;
            }
        }
    }
}
