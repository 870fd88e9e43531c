using System.Runtime.InteropServices;
using TorchSharp.Extensions;
using TorchSharp.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static class jit
    {
        /// <summary>A module that was saved by PyTorch's torch.jit.save. Its parameters are trained like those of any other.</summary>
        public class ScriptModule : nn.Module
        {
            private readonly ScriptHandle script;

            internal ScriptModule(string filename, Device? device) : base(Path.GetFileName(filename))
            {
                NativeMethods.Check(NativeMethods.ot_script_load(filename, (device ?? CPU).Packed, out var loaded));
                script = new ScriptHandle(loaded);
                Register();
            }

            public override bool training => NativeMethods.Check(NativeMethods.ot_script_is_training(script.Pointer)) != 0;

            /// <summary>Calls a method of the script. Arguments and results are tensors, numbers, flags or arrays of them.</summary>
            public object invoke(string name, params object[] objs) => Invoke(name, objs);

            public TResult invoke<TResult>(string name, params object[] objs) => (TResult)Invoke(name, objs);

            public override void train(bool on = true) => NativeMethods.Check(NativeMethods.ot_script_train(script.Pointer, on ? 1 : 0));

            public void save(string filename) => NativeMethods.Check(NativeMethods.ot_script_save(script.Pointer, filename));

            protected internal override nn.Module _to(Device? device, ScalarType? dtype)
            {
                NativeMethods.Check(NativeMethods.ot_script_to(script.Pointer, device?.Packed ?? 0xff, dtype is { } type ? (int)type : -1));
                return this;
            }

            // The names in a script have dots; they are registered under the script's own submodules as flat names.
            protected override void RegisterComponents()
            {
            }

            protected override void Dispose(bool disposing)
            {
                base.Dispose(disposing);
                if (disposing)
                {
                    script.Dispose();
                }
            }

            private unsafe object Invoke(string name, object[] inputs)
            {
                const int MostResults = 16;
                var arguments = Array.ConvertAll(inputs, ToArgument);
                var values = stackalloc NativeValue[Math.Max(arguments.Length, 1)];
                var words = stackalloc long[ArgumentMarshaller.InlineWords];
                var results = stackalloc NativeValue[MostResults];
                var marshaller = new ArgumentMarshaller(arguments, values, words);
                int count;
                try
                {
                    marshaller.Marshal();
                    count = NativeMethods.Check(NativeMethods.ot_script_call(script.Pointer, name, values, arguments.Length, results, MostResults));
                }
                finally
                {
                    marshaller.Release();
                }
                var found = new object[count];
                for (var i = 0; i < count; i++)
                {
                    found[i] = FromValue(in results[i]);
                }
                return count == 1 ? found[0] : found;
            }

            private static Argument ToArgument(object input) => input switch
            {
                Tensor tensor => tensor,
                Tensor[] tensors => tensors,
                int number => number,
                long number => number,
                float number => (double)number,
                double number => number,
                bool flag => flag,
                string text => text,
                long[] numbers => numbers,
                double[] numbers => numbers,
                null => Argument.None,
                _ => throw new ArgumentException($"A script cannot take an argument of type {input.GetType().Name}."),
            };

            private static object FromValue(in NativeValue value) => value.Tag switch
            {
                ValueTag.Tensor => new Tensor(value.Pointer),
                ValueTag.TensorList => Operator.TakeList(in value),
                ValueTag.None => null!,
                ValueTag.Double => value.Real,
                ValueTag.Bool => value.Integer != 0,
                _ => value.Integer,
            };

            private unsafe void Register()
            {
                foreach (var kind in new[] { 0, 1 })
                {
                    var found = new List<(string Name, nint Handle)>();
                    var list = GCHandle.Alloc(found);
                    try
                    {
                        NativeMethods.Check(NativeMethods.ot_script_tensors(script.Pointer, kind, &Collect, GCHandle.ToIntPtr(list)));
                    }
                    finally
                    {
                        list.Free();
                    }
                    foreach (var (name, handle) in found)
                    {
                        if (kind == 0)
                        {
                            register_parameter(name, new Parameter(handle));
                        }
                        else
                        {
                            register_buffer(name, new Tensor(handle));
                        }
                    }
                }
            }

            [UnmanagedCallersOnly]
            private static unsafe void Collect(nint list, byte* name, nint handle) =>
                ((List<(string, nint)>)GCHandle.FromIntPtr(list).Target!).Add((Marshal.PtrToStringUTF8((nint)name) ?? "", handle));
        }

        /// <summary>A script of one argument.</summary>
        public sealed class ScriptModule<T, TResult> : ScriptModule
        {
            internal ScriptModule(string filename, Device? device) : base(filename, device)
            {
            }

            public TResult call(T input) => invoke<TResult>("forward", input!);

            public TResult forward(T input) => call(input);
        }

        /// <summary>A script of two arguments.</summary>
        public sealed class ScriptModule<T1, T2, TResult> : ScriptModule
        {
            internal ScriptModule(string filename, Device? device) : base(filename, device)
            {
            }

            public TResult call(T1 input1, T2 input2) => invoke<TResult>("forward", input1!, input2!);

            public TResult forward(T1 input1, T2 input2) => call(input1, input2);
        }

        public static ScriptModule load(string filename, Device? device = null) => new(Existing(filename), device);

        public static ScriptModule<T, TResult> load<T, TResult>(string filename, Device? device = null) => new(Existing(filename), device);

        public static ScriptModule<T1, T2, TResult> load<T1, T2, TResult>(string filename, Device? device = null) => new(Existing(filename), device);

        public static void save(ScriptModule module, string filename) => module.save(filename);

        private static string Existing(string filename) => File.Exists(filename)
            ? filename
            : throw new FileNotFoundException($"There is no TorchScript file at '{filename}'. Save one with torch.jit.save.", filename);

        /// <summary>Owns a loaded script.</summary>
        private sealed class ScriptHandle : SafeHandle
        {
            internal ScriptHandle(nint script) : base(0, ownsHandle: true) => SetHandle(script);

            public override bool IsInvalid => handle == 0;

            internal nint Pointer => IsClosed ? throw new ObjectDisposedException(nameof(ScriptModule)) : handle;

            protected override bool ReleaseHandle()
            {
                NativeMethods.ot_script_free(handle);
                return true;
            }
        }
    }
}
