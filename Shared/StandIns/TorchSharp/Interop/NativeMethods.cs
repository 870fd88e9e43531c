using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>The shim's C functions; Native/orchestrator_torch.h says what each does.</summary>
internal static unsafe partial class NativeMethods
{
    static NativeMethods() => ShimLibrary.Register();

    [LibraryImport(ShimLibrary.Name)] internal static partial nint ot_last_error();
    [LibraryImport(ShimLibrary.Name)] internal static partial nint ot_version();
    [LibraryImport(ShimLibrary.Name)] internal static partial nint ot_show_config();
    [LibraryImport(ShimLibrary.Name)] internal static partial long ot_live_tensors();
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_set_num_threads(int count);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_get_num_threads();
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_set_num_interop_threads(int count);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_manual_seed(ulong seed);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_set_deterministic(int enabled, int warnOnly);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_get_deterministic();
    [LibraryImport(ShimLibrary.Name, StringMarshalling = StringMarshalling.Utf8)] internal static partial int ot_set_flag(string name, int enabled);
    [LibraryImport(ShimLibrary.Name, StringMarshalling = StringMarshalling.Utf8)] internal static partial int ot_get_flag(string name);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_cuda_count();
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_cuda_synchronize(int index);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_cuda_description(int index, byte* text, int capacity);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_openblas_threads();
    [LibraryImport(ShimLibrary.Name)] internal static partial nint ot_openblas_core();
    [LibraryImport(ShimLibrary.Name)] internal static partial nint ot_openblas_config();
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_onednn_isa();
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_onednn_version();

    [LibraryImport(ShimLibrary.Name, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ot_operator_find(string name, string overload, out nint result);
    [LibraryImport(ShimLibrary.Name)]
    internal static partial int ot_operator_call(nint op, NativeValue* arguments, int count, NativeValue* results, int capacity);
    [LibraryImport(ShimLibrary.Name)] internal static partial void ot_free(nint memory);

    [LibraryImport(ShimLibrary.Name)] internal static partial void ot_tensor_free(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial nint ot_tensor_share(nint tensor);
    [LibraryImport(ShimLibrary.Name)]
    internal static partial int ot_tensor_from_blob(nint memory, long* sizes, int dimensions, int dtype,
        delegate* unmanaged<nint, void> release, nint argument, out nint result);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_tensor_data(nint tensor, out nint result);
    [LibraryImport(ShimLibrary.Name), SuppressGCTransition] internal static partial int ot_tensor_dimensions(nint tensor);
    [LibraryImport(ShimLibrary.Name), SuppressGCTransition] internal static partial long* ot_tensor_sizes(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_tensor_stride(nint tensor, int dimension, out long result);
    [LibraryImport(ShimLibrary.Name), SuppressGCTransition] internal static partial long ot_tensor_count(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial long ot_tensor_storage_bytes(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial long ot_tensor_storage_offset(nint tensor);
    [LibraryImport(ShimLibrary.Name), SuppressGCTransition] internal static partial int ot_tensor_dtype(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial long ot_tensor_device(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_tensor_is_contiguous(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_tensor_is_sparse(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_tensor_shares_storage(nint left, nint right);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_tensor_item(nint tensor, NativeValue* result);

    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_grad_mode_get();
    [LibraryImport(ShimLibrary.Name)] internal static partial void ot_grad_mode_set(int enabled);
    [LibraryImport(ShimLibrary.Name)] internal static partial nint ot_inference_mode_enter(int enabled);
    [LibraryImport(ShimLibrary.Name)] internal static partial void ot_inference_mode_leave(nint guard);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_is_inference_mode();
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_requires_grad_get(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_requires_grad_set(nint tensor, int enabled);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_is_leaf(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_retain_grad(nint tensor);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_grad_get(nint tensor, out nint result);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_grad_set(nint tensor, nint gradient);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_set_data(nint tensor, nint data);
    [LibraryImport(ShimLibrary.Name)]
    internal static partial int ot_backward(nint* roots, int count, nint* gradients, int retainGraph, int createGraph);
    [LibraryImport(ShimLibrary.Name)]
    internal static partial int ot_grad(nint* outputs, int outputCount, nint* inputs, int inputCount, nint* gradients,
        int retainGraph, int createGraph, int allowUnused, nint* results);
    [LibraryImport(ShimLibrary.Name)]
    internal static partial int ot_hook_add(nint leaf, delegate* unmanaged<nint, int> hook, nint argument, out nint result);
    [LibraryImport(ShimLibrary.Name)] internal static partial void ot_hook_remove(nint registration);

    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_generator_new(long device, ulong seed, out nint result);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_generator_default(long device, out nint result);
    [LibraryImport(ShimLibrary.Name)] internal static partial void ot_generator_free(nint generator);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_generator_seed_set(nint generator, ulong seed);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_generator_seed_get(nint generator, out ulong result);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_generator_state_get(nint generator, out nint result);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_generator_state_set(nint generator, nint state);

    [LibraryImport(ShimLibrary.Name, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ot_script_load(string path, long device, out nint result);
    [LibraryImport(ShimLibrary.Name, StringMarshalling = StringMarshalling.Utf8)] internal static partial int ot_script_save(nint module, string path);
    [LibraryImport(ShimLibrary.Name)] internal static partial void ot_script_free(nint module);
    [LibraryImport(ShimLibrary.Name, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ot_script_call(nint module, string method, NativeValue* arguments, int count, NativeValue* results, int capacity);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_script_train(nint module, int enabled);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_script_is_training(nint module);
    [LibraryImport(ShimLibrary.Name)] internal static partial int ot_script_to(nint module, long device, int dtype);
    [LibraryImport(ShimLibrary.Name)]
    internal static partial int ot_script_tensors(nint module, int kind, delegate* unmanaged<nint, byte*, nint, void> each, nint argument);

    /// <summary>Throws the shim's last error, if <paramref name="status"/> says that there is one.</summary>
    internal static int Check(int status) => status >= 0 ? status : throw LastError();

    internal static ExternalException LastError() =>
        new(Marshal.PtrToStringUTF8(ot_last_error()) ?? "libtorch failed and gave no reason.");
}
