// The C ABI between the C# stand-in and libtorch. Every function that can fail returns a status (0 good, -1 bad; ot_last_error
// then has the reason, for this thread) and gives its result through an out-parameter. No exception crosses this border.
//
// A tensor handle is a c10::TensorImpl* that owns one reference; ot_tensor_free gives it back.
#pragma once

#include <stdint.h>

#define OT_API extern "C" __attribute__((visibility("default")))

typedef void* ot_tensor;
typedef void* ot_operator;

// How the payload of a value is read. The numbers are part of the ABI: Native/ValueTag.cs has the same.
enum ot_tag : int32_t {
  OT_NONE = 0,
  OT_TENSOR = 1,           // handle: ot_tensor
  OT_INT = 2,              // integer (also a dtype, a layout and a memory format)
  OT_DOUBLE = 3,           // real
  OT_BOOL = 4,             // integer, 0 or 1
  OT_INT_LIST = 5,         // pointer to int64_t[count]
  OT_DOUBLE_LIST = 6,      // pointer to double[count]
  OT_BOOL_LIST = 7,        // pointer to int64_t[count]
  OT_TENSOR_LIST = 8,      // pointer to ot_tensor[count]; null stands for an absent element
  OT_STRING = 9,           // pointer to count bytes of UTF-8
  OT_DEVICE = 10,          // integer: device type in the low 8 bits, index (-1 for none) above them
  OT_GENERATOR = 11,       // handle: at::Generator*
};

struct ot_value {
  int32_t tag;
  int32_t count;
  union {
    int64_t integer;
    double real;
    const void* pointer;
    ot_tensor handle;
  };
};

// ---- errors and facts (errors.cc, environment.cc) ----
OT_API const char* ot_last_error();
OT_API const char* ot_version();             // of libtorch, for example 1.13.1
OT_API const char* ot_show_config();         // libtorch's own description of its build
OT_API int64_t ot_live_tensors();            // handles given out and not yet freed
OT_API int ot_set_num_threads(int count);
OT_API int ot_get_num_threads();
OT_API int ot_set_num_interop_threads(int count);
OT_API int ot_manual_seed(uint64_t seed);
OT_API int ot_set_deterministic(int enabled, int warn_only);
OT_API int ot_get_deterministic();
OT_API int ot_set_flag(const char* name, int enabled);   // cudnn_benchmark, cudnn_deterministic, cudnn_tf32, cublas_tf32, mkldnn
OT_API int ot_get_flag(const char* name);                // 0, 1, or -1 for an unknown name
OT_API int ot_cuda_count();                              // 0 where libtorch has no CUDA or there is no device
OT_API int ot_cuda_synchronize(int index);
OT_API int ot_cuda_description(int index, char* text, int capacity);   // "NAME, compute capability M.N"
OT_API int ot_openblas_threads();                        // 0 where this libtorch has no OpenBLAS
OT_API const char* ot_openblas_core();                   // null likewise
OT_API const char* ot_openblas_config();                 // starts with its version; null likewise
OT_API int ot_onednn_isa();                              // dnnl_cpu_isa_t; -1 where it cannot be asked
OT_API int ot_onednn_version();                          // major * 10000 + minor * 100 + patch; -1 where it cannot be asked

// ---- operators (operators.cc) ----
OT_API int ot_operator_find(const char* name, const char* overload, ot_operator* result);
// Calls the operator boxed. Missing trailing arguments take the schema's defaults. Writes at most `capacity` results; what does
// not fit is dropped. A tensor list comes back as a malloc'ed array of handles (free it with ot_free). Returns the number of
// results that the operator has, or -1.
OT_API int ot_operator_call(ot_operator op, const ot_value* arguments, int count, ot_value* results, int capacity);
OT_API void ot_free(void* memory);

// ---- tensors (tensors.cc) ----
OT_API void ot_tensor_free(ot_tensor tensor);
OT_API ot_tensor ot_tensor_share(ot_tensor tensor);      // one more owner of the same tensor
OT_API int ot_tensor_from_blob(void* memory, const int64_t* sizes, int dimensions, int dtype,
                               void (*release)(void*), void* release_argument, ot_tensor* result);
OT_API int ot_tensor_data(ot_tensor tensor, void** result);
OT_API int ot_tensor_dimensions(ot_tensor tensor);
OT_API const int64_t* ot_tensor_sizes(ot_tensor tensor);
OT_API int ot_tensor_stride(ot_tensor tensor, int dimension, int64_t* result);
OT_API int64_t ot_tensor_count(ot_tensor tensor);
OT_API int64_t ot_tensor_storage_bytes(ot_tensor tensor);
OT_API int64_t ot_tensor_storage_offset(ot_tensor tensor);
OT_API int ot_tensor_dtype(ot_tensor tensor);
OT_API int64_t ot_tensor_device(ot_tensor tensor);       // packed as OT_DEVICE
OT_API int ot_tensor_is_contiguous(ot_tensor tensor);
OT_API int ot_tensor_is_sparse(ot_tensor tensor);
OT_API int ot_tensor_shares_storage(ot_tensor left, ot_tensor right);
OT_API int ot_tensor_item(ot_tensor tensor, ot_value* result);

// ---- autograd (autograd.cc) ----
OT_API int ot_grad_mode_get();
OT_API void ot_grad_mode_set(int enabled);
OT_API void* ot_inference_mode_enter(int enabled);
OT_API void ot_inference_mode_leave(void* guard);
OT_API int ot_is_inference_mode();
OT_API int ot_requires_grad_get(ot_tensor tensor);
OT_API int ot_requires_grad_set(ot_tensor tensor, int enabled);
OT_API int ot_is_leaf(ot_tensor tensor);
OT_API int ot_retain_grad(ot_tensor tensor);
OT_API int ot_grad_get(ot_tensor tensor, ot_tensor* result);          // null result: there is none
OT_API int ot_grad_set(ot_tensor tensor, ot_tensor gradient);         // null gradient: forget it
OT_API int ot_set_data(ot_tensor tensor, ot_tensor data);             // the tensor keeps its identity and takes data's storage
OT_API int ot_backward(const ot_tensor* roots, int count, const ot_tensor* gradients, int retain_graph, int create_graph);
OT_API int ot_grad(const ot_tensor* outputs, int output_count, const ot_tensor* inputs, int input_count,
                   const ot_tensor* gradients, int retain_graph, int create_graph, int allow_unused, ot_tensor* results);
// Calls `hook(argument)` during the backward pass, each time after a gradient was added into the leaf's .grad; for a parameter
// that is its final gradient of the pass. A hook that returns non-zero ends the backward pass with an error. ot_hook_remove
// waits for nothing: call it when no backward pass is running.
typedef int (*ot_hook)(void* argument);
OT_API int ot_hook_add(ot_tensor leaf, ot_hook hook, void* argument, void** result);
OT_API void ot_hook_remove(void* registration);

// ---- random generators (generators.cc) ----
OT_API int ot_generator_new(int64_t device, uint64_t seed, void** result);
OT_API int ot_generator_default(int64_t device, void** result);
OT_API void ot_generator_free(void* generator);
OT_API int ot_generator_seed_set(void* generator, uint64_t seed);
OT_API int ot_generator_seed_get(void* generator, uint64_t* result);
OT_API int ot_generator_state_get(void* generator, ot_tensor* result);
OT_API int ot_generator_state_set(void* generator, ot_tensor state);

// ---- TorchScript (script.cc) ----
OT_API int ot_script_load(const char* path, int64_t device, void** result);
OT_API int ot_script_save(void* module, const char* path);
OT_API void ot_script_free(void* module);
OT_API int ot_script_call(void* module, const char* method, const ot_value* arguments, int count, ot_value* results, int capacity);
OT_API int ot_script_train(void* module, int enabled);
OT_API int ot_script_is_training(void* module);
OT_API int ot_script_to(void* module, int64_t device, int dtype);     // device type 255 or dtype -1: leave it
// kind 0: parameters, 1: buffers. Calls `each(argument, name, handle)`; the handle is the callee's to free.
OT_API int ot_script_tensors(void* module, int kind, void (*each)(void*, const char*, ot_tensor), void* argument);
