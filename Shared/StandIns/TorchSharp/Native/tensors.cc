// What a tensor is, read without the dispatcher.
#include "internal.h"

#include <ATen/ATen.h>

OT_API void ot_tensor_free(ot_tensor tensor) {
  if (tensor != nullptr) {
    ot::live_tensors.fetch_sub(1, std::memory_order_relaxed);
    ot::TensorPointer::reclaim(ot::raw(tensor));
  }
}

OT_API ot_tensor ot_tensor_share(ot_tensor tensor) {
  return ot::release(ot::borrow(tensor));
}

OT_API int64_t ot_live_tensors() {
  return ot::live_tensors.load(std::memory_order_relaxed);
}

OT_API int ot_tensor_from_blob(void* memory, const int64_t* sizes, int dimensions, int dtype,
                               void (*release)(void*), void* release_argument, ot_tensor* result) {
  return ot::guarded([&] {
    auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
    at::IntArrayRef shape(sizes, static_cast<size_t>(dimensions));
    *result = ot::release(release == nullptr
                              ? at::from_blob(memory, shape, options)
                              : at::from_blob(memory, shape, [=](void*) { release(release_argument); }, options));
    return 0;
  });
}

OT_API int ot_tensor_data(ot_tensor tensor, void** result) {
  return ot::guarded([&] {
    *result = ot::borrow(tensor).data_ptr();
    return 0;
  });
}

OT_API int ot_tensor_dimensions(ot_tensor tensor) {
  return static_cast<int>(ot::raw(tensor)->dim());
}

OT_API const int64_t* ot_tensor_sizes(ot_tensor tensor) {
  return ot::raw(tensor)->sizes().data();
}

OT_API int ot_tensor_stride(ot_tensor tensor, int dimension, int64_t* result) {
  return ot::guarded([&] {
    *result = ot::borrow(tensor).stride(dimension);
    return 0;
  });
}

OT_API int64_t ot_tensor_count(ot_tensor tensor) {
  return ot::raw(tensor)->numel();
}

OT_API int64_t ot_tensor_storage_bytes(ot_tensor tensor) {
  auto* impl = ot::raw(tensor);
  return impl->has_storage() ? static_cast<int64_t>(impl->storage().nbytes()) : 0;
}

OT_API int64_t ot_tensor_storage_offset(ot_tensor tensor) {
  auto* impl = ot::raw(tensor);
  return impl->has_storage() ? impl->storage_offset() : 0;
}

OT_API int ot_tensor_dtype(ot_tensor tensor) {
  return static_cast<int>(c10::typeMetaToScalarType(ot::raw(tensor)->dtype()));
}

OT_API int64_t ot_tensor_device(ot_tensor tensor) {
  return ot::pack(ot::raw(tensor)->device());
}

OT_API int ot_tensor_is_contiguous(ot_tensor tensor) {
  return ot::raw(tensor)->is_contiguous() ? 1 : 0;
}

OT_API int ot_tensor_is_sparse(ot_tensor tensor) {
  return ot::raw(tensor)->is_sparse() ? 1 : 0;
}

OT_API int ot_tensor_shares_storage(ot_tensor left, ot_tensor right) {
  auto* a = ot::raw(left);
  auto* b = ot::raw(right);
  return a->has_storage() && b->has_storage() && a->storage().is_alias_of(b->storage()) ? 1 : 0;
}

OT_API int ot_tensor_item(ot_tensor tensor, ot_value* result) {
  return ot::guarded([&] {
    auto scalar = ot::borrow(tensor).item();
    result->count = 0;
    if (scalar.isBoolean()) {
      result->tag = OT_BOOL;
      result->integer = scalar.toBool() ? 1 : 0;
    } else if (scalar.isFloatingPoint()) {
      result->tag = OT_DOUBLE;
      result->real = scalar.toDouble();
    } else {
      result->tag = OT_INT;
      result->integer = scalar.toLong();
    }
    return 0;
  });
}
