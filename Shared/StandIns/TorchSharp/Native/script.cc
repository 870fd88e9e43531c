// TorchScript modules. The only file that needs torch/script.h, whose headers take most of the build's time.
#include "internal.h"

#include <torch/script.h>

namespace ot {

c10::IValue to_script_value(const ot_value& value);   // operators.cc

}  // namespace ot

namespace {

torch::jit::Module& of(void* module) {
  return *static_cast<torch::jit::Module*>(module);
}

}  // namespace

OT_API int ot_script_load(const char* path, int64_t device, void** result) {
  return ot::guarded([&] {
    *result = new torch::jit::Module(torch::jit::load(path, ot::unpack(device)));
    return 0;
  });
}

OT_API int ot_script_save(void* module, const char* path) {
  return ot::guarded([&] {
    of(module).save(path);
    return 0;
  });
}

OT_API void ot_script_free(void* module) {
  delete static_cast<torch::jit::Module*>(module);
}

OT_API int ot_script_call(void* module, const char* method, const ot_value* arguments, int count, ot_value* results, int capacity) {
  return ot::guarded([&] {
    std::vector<c10::IValue> inputs;
    for (int i = 0; i < count; i++) {
      inputs.push_back(ot::to_script_value(arguments[i]));
    }
    auto output = of(module).get_method(method)(std::move(inputs));
    if (!output.isTuple()) {
      if (capacity > 0) {
        ot::write_value(std::move(output), results[0]);
      }
      return 1;
    }
    const auto& elements = output.toTupleRef().elements();
    TORCH_CHECK(static_cast<int>(elements.size()) <= capacity, "The module returned a tuple of ", elements.size(), "; at most ",
                capacity, " elements can be taken.");
    for (size_t i = 0; i < elements.size(); i++) {
      ot::write_value(c10::IValue(elements[i]), results[i]);
    }
    return static_cast<int>(elements.size());
  });
}

OT_API int ot_script_train(void* module, int enabled) {
  return ot::guarded([&] {
    of(module).train(enabled != 0);
    return 0;
  });
}

OT_API int ot_script_is_training(void* module) {
  return ot::guarded([&] { return of(module).is_training() ? 1 : 0; });
}

OT_API int ot_script_to(void* module, int64_t device, int dtype) {
  return ot::guarded([&] {
    if ((device & 0xff) != 0xff) {
      of(module).to(ot::unpack(device));
    }
    if (dtype >= 0) {
      of(module).to(static_cast<at::ScalarType>(dtype));
    }
    return 0;
  });
}

OT_API int ot_script_tensors(void* module, int kind, void (*each)(void*, const char*, ot_tensor), void* argument) {
  return ot::guarded([&] {
    if (kind == 0) {
      for (const auto& item : of(module).named_parameters(true)) {
        each(argument, item.name.c_str(), ot::release(item.value));
      }
    } else {
      for (const auto& item : of(module).named_buffers(true)) {
        each(argument, item.name.c_str(), ot::release(item.value));
      }
    }
    return 0;
  });
}
