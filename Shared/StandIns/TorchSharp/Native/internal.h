// What the shim's source files share: the border that catches exceptions, and conversions between handles and tensors.
#pragma once

#include "orchestrator_torch.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>
#include <c10/core/Device.h>
#include <c10/util/Exception.h>
#include <c10/util/intrusive_ptr.h>
#include <torch/version.h>

#include <atomic>
#include <exception>
#include <string>

#define OT_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

#if OT_TORCH_AT_LEAST(2, 4)
#include <optional>
#else
#include <c10/util/Optional.h>
#endif

namespace ot {

// libtorch had an optional of its own before it took the standard one.
#if OT_TORCH_AT_LEAST(2, 4)
using OptionalTensor = std::optional<at::Tensor>;
#else
using OptionalTensor = c10::optional<at::Tensor>;
#endif

extern std::atomic<int64_t> live_tensors;

void set_error(const std::exception& error);
void set_error(std::string message);

// Runs `body` and turns any exception into status -1 and a message.
template <typename Body>
int guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    set_error(error);
  } catch (...) {
    set_error(std::string("libtorch threw something that is not an exception."));
  }
  return -1;
}

using TensorPointer = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;

// Gives the tensor's reference to the caller. An undefined tensor becomes a null handle.
inline ot_tensor release(at::Tensor tensor) {
  if (!tensor.defined()) {
    return nullptr;
  }
  live_tensors.fetch_add(1, std::memory_order_relaxed);
  return tensor.unsafeReleaseTensorImpl();
}

// A tensor of its own reference; the handle stays the caller's.
inline at::Tensor borrow(ot_tensor handle) {
  return handle == nullptr ? at::Tensor()
                           : at::Tensor(TensorPointer::reclaim_copy(static_cast<c10::TensorImpl*>(handle)));
}

inline c10::TensorImpl* raw(ot_tensor handle) {
  return static_cast<c10::TensorImpl*>(handle);
}

inline int64_t pack(c10::Device device) {
  return static_cast<int64_t>(static_cast<uint8_t>(device.type())) | (static_cast<int64_t>(device.index()) << 8);
}

inline c10::Device unpack(int64_t device) {
  return c10::Device(static_cast<c10::DeviceType>(device & 0xff), static_cast<c10::DeviceIndex>(device >> 8));
}

// Writes one result; a tensor list is malloc'ed. Throws for a type that the ABI does not have.
void write_value(c10::IValue&& from, ot_value& to);

}  // namespace ot
