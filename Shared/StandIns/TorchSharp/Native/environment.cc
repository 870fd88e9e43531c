// The process's numeric settings, and what the loaded libraries say about themselves.
#include "internal.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>
#include <cstdio>
#include <cstring>

#define OT_STRING_OF(x) #x
#define OT_STRING(x) OT_STRING_OF(x)

namespace {

// Found in whatever this library was linked against, directly or not; null where nothing has it.
template <typename Function>
Function* symbol(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

OT_API const char* ot_version() {
  return OT_STRING(TORCH_VERSION_MAJOR) "." OT_STRING(TORCH_VERSION_MINOR) "." OT_STRING(TORCH_VERSION_PATCH);
}

OT_API const char* ot_show_config() {
  static const std::string text = [] {
    std::string config;
    ot::guarded([&] {
      config = at::show_config();
      return 0;
    });
    return config;
  }();
  return text.c_str();
}

OT_API int ot_set_num_threads(int count) {
  return ot::guarded([&] {
    at::set_num_threads(count);
    return 0;
  });
}

OT_API int ot_get_num_threads() {
  return at::get_num_threads();
}

OT_API int ot_set_num_interop_threads(int count) {
  return ot::guarded([&] {
    at::set_num_interop_threads(count);
    return 0;
  });
}

OT_API int ot_manual_seed(uint64_t seed) {
  return ot::guarded([&] {
    at::manual_seed(seed);   // the CPU's default generator and those of all CUDA devices
    return 0;
  });
}

OT_API int ot_set_deterministic(int enabled, int warn_only) {
  return ot::guarded([&] {
    auto& context = at::globalContext();
    context.setDeterministicAlgorithms(enabled != 0, warn_only != 0);
    context.setDeterministicCuDNN(enabled != 0);
#if OT_TORCH_AT_LEAST(2, 2)
    // Filling every empty tensor costs time and changes nothing for code that writes before it reads.
    context.setDeterministicFillUninitializedMemory(false);
#endif
#if OT_TORCH_AT_LEAST(2, 7)
    context.setDeterministicMkldnn(enabled != 0);
    // NNPACK picks its kernels by the processor and cannot be pinned; oneDNN takes its place.
    context.setUserEnabledNNPACK(enabled == 0);
#endif
    return 0;
  });
}

OT_API int ot_get_deterministic() {
  return at::globalContext().deterministicAlgorithms() ? 1 : 0;
}

OT_API int ot_set_flag(const char* name, int enabled) {
  return ot::guarded([&] {
    auto& context = at::globalContext();
    const bool on = enabled != 0;
    if (std::strcmp(name, "cudnn_benchmark") == 0) {
      context.setBenchmarkCuDNN(on);
    } else if (std::strcmp(name, "cudnn_deterministic") == 0) {
      context.setDeterministicCuDNN(on);
    } else if (std::strcmp(name, "cudnn_tf32") == 0) {
      context.setAllowTF32CuDNN(on);
    } else if (std::strcmp(name, "cublas_tf32") == 0) {
      context.setAllowTF32CuBLAS(on);
    } else if (std::strcmp(name, "mkldnn") == 0) {
      context.setUserEnabledMkldnn(on);
    } else {
      TORCH_CHECK(false, "There is no flag '", name, "'.");
    }
    return 0;
  });
}

OT_API int ot_get_flag(const char* name) {
  return ot::guarded([&] {
    auto& context = at::globalContext();
    if (std::strcmp(name, "cudnn_benchmark") == 0) {
      return context.benchmarkCuDNN() ? 1 : 0;
    }
    if (std::strcmp(name, "cudnn_deterministic") == 0) {
      return context.deterministicCuDNN() ? 1 : 0;
    }
    if (std::strcmp(name, "cudnn_tf32") == 0) {
      return context.allowTF32CuDNN() ? 1 : 0;
    }
    if (std::strcmp(name, "cublas_tf32") == 0) {
      return context.allowTF32CuBLAS() ? 1 : 0;
    }
    if (std::strcmp(name, "mkldnn") == 0) {
      return context.userEnabledMkldnn() ? 1 : 0;
    }
    TORCH_CHECK(false, "There is no flag '", name, "'.");
  });
}

OT_API int ot_cuda_count() {
  const int count = ot::guarded([&] {
    return c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA)
               ? static_cast<int>(c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount())
               : 0;
  });
  return count < 0 ? 0 : count;
}

OT_API int ot_cuda_synchronize(int index) {
  return ot::guarded([&] {
    TORCH_CHECK(ot_cuda_count() > index, "There is no device cuda:", index, " to wait for; ", ot_cuda_count(), " found.");
    at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index));
    return 0;
  });
}

OT_API int ot_cuda_description(int index, char* text, int capacity) {
  return ot::guarded([&] {
    TORCH_CHECK(ot_cuda_count() > index, "There is no device cuda:", index, "; ", ot_cuda_count(), " found.");
    // The driver's C interface is stable, and libtorch has loaded it by now; linking the CUDA runtime would tie us to one version.
    void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    TORCH_CHECK(driver != nullptr, "libcuda.so.1 cannot be opened although libtorch sees a device: ", dlerror());
    auto get = reinterpret_cast<int (*)(int*, int)>(dlsym(driver, "cuDeviceGet"));
    auto name_of = reinterpret_cast<int (*)(char*, int, int)>(dlsym(driver, "cuDeviceGetName"));
    auto attribute_of = reinterpret_cast<int (*)(int*, int, int)>(dlsym(driver, "cuDeviceGetAttribute"));
    TORCH_CHECK(get != nullptr && name_of != nullptr && attribute_of != nullptr, "libcuda.so.1 lacks cuDeviceGetName.");
    constexpr int major_attribute = 75, minor_attribute = 76;   // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
    int device = 0, major = 0, minor = 0;
    char name[256] = {};
    TORCH_CHECK(get(&device, index) == 0 && name_of(name, sizeof name, device) == 0 &&
                    attribute_of(&major, major_attribute, device) == 0 && attribute_of(&minor, minor_attribute, device) == 0,
                "The CUDA driver does not describe device ", index, ".");
    std::snprintf(text, static_cast<size_t>(capacity), "%s, compute capability %d.%d", name, major, minor);
    return 0;
  });
}

OT_API int ot_openblas_threads() {
  auto* function = symbol<int()>("openblas_get_num_threads");
  return function == nullptr ? 0 : function();
}

OT_API const char* ot_openblas_core() {
  auto* function = symbol<char*()>("openblas_get_corename");
  return function == nullptr ? nullptr : function();
}

OT_API const char* ot_openblas_config() {
  auto* function = symbol<char*()>("openblas_get_config");
  return function == nullptr ? nullptr : function();
}

OT_API int ot_onednn_version() {
  struct Version {   // the start of dnnl_version_t, the same since oneDNN 1.0
    int major, minor, patch;
  };
  auto* function = symbol<const Version*()>("dnnl_version");
  const auto* version = function == nullptr ? nullptr : function();
  return version == nullptr ? -1 : version->major * 10000 + version->minor * 100 + version->patch;
}

OT_API int ot_onednn_isa() {
  auto* function = symbol<int()>("dnnl_get_effective_cpu_isa");
  return function == nullptr ? -1 : function();
}
