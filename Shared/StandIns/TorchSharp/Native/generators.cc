// Random generators: each has its own stream.
#include "internal.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <mutex>

namespace {

at::Generator& of(void* generator) {
  return *static_cast<at::Generator*>(generator);
}

at::Generator default_of(c10::Device device) {
  if (device.type() == c10::kCPU) {
    return at::detail::getDefaultCPUGenerator();
  }
  return at::globalContext().defaultGenerator(device);
}

}  // namespace

OT_API int ot_generator_new(int64_t device, uint64_t seed, void** result) {
  return ot::guarded([&] {
    auto where = ot::unpack(device);
    if (where.type() == c10::kCPU) {
      *result = new at::Generator(at::detail::createCPUGenerator(seed));
    } else {
      auto own = default_of(where).clone();
      own.set_current_seed(seed);
      *result = new at::Generator(std::move(own));
    }
    return 0;
  });
}

OT_API int ot_generator_default(int64_t device, void** result) {
  return ot::guarded([&] {
    *result = new at::Generator(default_of(ot::unpack(device)));
    return 0;
  });
}

OT_API void ot_generator_free(void* generator) {
  delete static_cast<at::Generator*>(generator);
}

OT_API int ot_generator_seed_set(void* generator, uint64_t seed) {
  return ot::guarded([&] {
    std::lock_guard<std::mutex> lock(of(generator).mutex());
    of(generator).set_current_seed(seed);
    return 0;
  });
}

OT_API int ot_generator_seed_get(void* generator, uint64_t* result) {
  return ot::guarded([&] {
    std::lock_guard<std::mutex> lock(of(generator).mutex());
    *result = of(generator).current_seed();
    return 0;
  });
}

OT_API int ot_generator_state_get(void* generator, ot_tensor* result) {
  return ot::guarded([&] {
    std::lock_guard<std::mutex> lock(of(generator).mutex());
    *result = ot::release(of(generator).get_state());
    return 0;
  });
}

OT_API int ot_generator_state_set(void* generator, ot_tensor state) {
  return ot::guarded([&] {
    std::lock_guard<std::mutex> lock(of(generator).mutex());
    of(generator).set_state(ot::borrow(state));
    return 0;
  });
}
