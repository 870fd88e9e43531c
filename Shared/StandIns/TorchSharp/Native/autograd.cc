// Gradients: modes, leaves, backward passes, flat views and the hooks that tell when a gradient is final.
#include "internal.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <vector>

namespace {

using torch::autograd::variable_list;

variable_list borrow_all(const ot_tensor* handles, int count) {
  variable_list list;
  if (handles != nullptr) {
    list.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; i++) {
      list.push_back(ot::borrow(handles[i]));
    }
  }
  return list;
}

// The accumulator is held weakly by its variable; whoever wants the hook to live must hold the accumulator (as DDP's reducer does).
struct Registration {
  std::shared_ptr<torch::autograd::Node> accumulator;
  std::shared_ptr<std::atomic<bool>> enabled;
};

struct Hook final : torch::autograd::FunctionPostHook {
  Hook(ot_hook hook, void* argument, std::shared_ptr<std::atomic<bool>> enabled)
      : hook(hook), argument(argument), enabled(std::move(enabled)) {}

  variable_list operator()(const variable_list& outputs, const variable_list&) override {
    if (enabled->load()) {
      TORCH_CHECK(hook(argument) == 0, "A gradient hook failed.");
    }
    return outputs;
  }

  ot_hook hook;
  void* argument;
  std::shared_ptr<std::atomic<bool>> enabled;
};

}  // namespace

OT_API int ot_grad_mode_get() {
  return at::GradMode::is_enabled() ? 1 : 0;
}

OT_API void ot_grad_mode_set(int enabled) {
  at::GradMode::set_enabled(enabled != 0);
}

OT_API void* ot_inference_mode_enter(int enabled) {
  return new c10::InferenceMode(enabled != 0);
}

OT_API void ot_inference_mode_leave(void* guard) {
  delete static_cast<c10::InferenceMode*>(guard);
}

OT_API int ot_is_inference_mode() {
  return c10::InferenceMode::is_enabled() ? 1 : 0;
}

OT_API int ot_requires_grad_get(ot_tensor tensor) {
  return ot::borrow(tensor).requires_grad() ? 1 : 0;
}

OT_API int ot_requires_grad_set(ot_tensor tensor, int enabled) {
  return ot::guarded([&] {
    auto target = ot::borrow(tensor);
    TORCH_CHECK(enabled != 0 || target.is_leaf(),
                "requires_grad of a tensor that is not a leaf cannot be switched off. Use detach() to get one that needs no gradient.");
    target.requires_grad_(enabled != 0);
    return 0;
  });
}

OT_API int ot_is_leaf(ot_tensor tensor) {
  return ot::borrow(tensor).is_leaf() ? 1 : 0;
}

OT_API int ot_retain_grad(ot_tensor tensor) {
  return ot::guarded([&] {
    ot::borrow(tensor).retain_grad();
    return 0;
  });
}

OT_API int ot_grad_get(ot_tensor tensor, ot_tensor* result) {
  return ot::guarded([&] {
    *result = ot::release(ot::borrow(tensor).grad());
    return 0;
  });
}

OT_API int ot_grad_set(ot_tensor tensor, ot_tensor gradient) {
  return ot::guarded([&] {
    auto target = ot::borrow(tensor);
    auto value = ot::borrow(gradient);
    TORCH_CHECK(!value.defined() || value.sizes() == target.sizes(), "A gradient of shape ", value.sizes(),
                " cannot be set on a tensor of shape ", target.sizes(), ".");
    target.mutable_grad() = value;
    return 0;
  });
}

OT_API int ot_set_data(ot_tensor tensor, ot_tensor data) {
  return ot::guarded([&] {
    auto target = ot::borrow(tensor);
    auto value = ot::borrow(data);
    TORCH_CHECK(value.sizes() == target.sizes(), "Data of shape ", value.sizes(), " cannot replace that of a tensor of shape ",
                target.sizes(), ".");
    target.set_data(value);
    return 0;
  });
}

OT_API int ot_backward(const ot_tensor* roots, int count, const ot_tensor* gradients, int retain_graph, int create_graph) {
  return ot::guarded([&] {
    torch::autograd::backward(borrow_all(roots, count), borrow_all(gradients, count), retain_graph != 0, create_graph != 0);
    return 0;
  });
}

OT_API int ot_grad(const ot_tensor* outputs, int output_count, const ot_tensor* inputs, int input_count,
                   const ot_tensor* gradients, int retain_graph, int create_graph, int allow_unused, ot_tensor* results) {
  return ot::guarded([&] {
    auto found = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count),
                                       borrow_all(gradients, output_count), retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (int i = 0; i < input_count; i++) {
      results[i] = ot::release(std::move(found[static_cast<size_t>(i)]));
    }
    return 0;
  });
}

OT_API int ot_hook_add(ot_tensor leaf, ot_hook hook, void* argument, void** result) {
  return ot::guarded([&] {
    auto target = ot::borrow(leaf);
    TORCH_CHECK(target.is_leaf() && target.requires_grad(), "A gradient hook needs a leaf that requires a gradient.");
    auto registration = std::make_unique<Registration>();
    registration->accumulator = torch::autograd::impl::grad_accumulator(target);
    registration->enabled = std::make_shared<std::atomic<bool>>(true);
    registration->accumulator->add_post_hook(std::make_unique<Hook>(hook, argument, registration->enabled));
    *result = registration.release();
    return 0;
  });
}

OT_API void ot_hook_remove(void* registration) {
  auto* held = static_cast<Registration*>(registration);
  held->enabled->store(false);
  delete held;
}
