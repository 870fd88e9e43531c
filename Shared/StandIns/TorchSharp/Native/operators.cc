// One boxed entry to c10's dispatcher, through which every operator of libtorch is reached.
//
// An operator's handle and the kinds of its arguments are looked up once. A call pushes the arguments onto a stack that the thread
// keeps, fills the rest with the schema's defaults, and lets the dispatcher replace them by the results.
#include "internal.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/Generator.h>
#include <ATen/core/ivalue.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

// What the schema wants where the tag alone does not say it.
enum class Want : uint8_t { AsIs, Double, Scalar, IntList, DoubleList, BoolList, TensorList, OptionalTensorList, Bool, Int };

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Want> wants;
  std::vector<c10::IValue> defaults;   // None where there is none
  std::vector<bool> has_default;
  size_t results;
};

Want want_of(const c10::TypePtr& declared) {
  auto type = declared;
  if (auto optional = type->cast<c10::OptionalType>()) {
    type = optional->getElementType();
  }
  switch (type->kind()) {
    case c10::TypeKind::FloatType:
      return Want::Double;
    case c10::TypeKind::NumberType:
      return Want::Scalar;
    case c10::TypeKind::BoolType:
      return Want::Bool;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return Want::Int;
    case c10::TypeKind::ListType: {
      auto element = type->expectRef<c10::ListType>().getElementType();
      switch (element->kind()) {
        case c10::TypeKind::FloatType:
          return Want::DoubleList;
        case c10::TypeKind::BoolType:
          return Want::BoolList;
        case c10::TypeKind::TensorType:
          return Want::TensorList;
        case c10::TypeKind::OptionalType:
          return Want::OptionalTensorList;
        default:
          return Want::IntList;
      }
    }
    default:
      return Want::AsIs;
  }
}

thread_local torch::jit::Stack thread_stack;

c10::IValue list_value(const ot_value& value, Want want) {
  if (want == Want::DoubleList) {
    c10::List<double> list;
    list.reserve(value.count);
    for (int32_t i = 0; i < value.count; i++) {
      list.push_back(value.tag == OT_DOUBLE_LIST ? static_cast<const double*>(value.pointer)[i]
                                                 : static_cast<double>(static_cast<const int64_t*>(value.pointer)[i]));
    }
    return list;
  }
  const auto* numbers = static_cast<const int64_t*>(value.pointer);
  if (want == Want::BoolList) {
    c10::List<bool> list;
    list.reserve(value.count);
    for (int32_t i = 0; i < value.count; i++) {
      list.push_back(numbers[i] != 0);
    }
    return list;
  }
  c10::List<int64_t> list;
  list.reserve(value.count);
  for (int32_t i = 0; i < value.count; i++) {
    list.push_back(numbers[i]);
  }
  return list;
}

c10::IValue tensor_list_value(const ot_value& value, Want want) {
  const auto* handles = static_cast<const ot_tensor*>(value.pointer);
  if (want == Want::OptionalTensorList) {
    c10::List<ot::OptionalTensor> list;
    list.reserve(value.count);
    for (int32_t i = 0; i < value.count; i++) {
      list.push_back(handles[i] == nullptr ? ot::OptionalTensor() : ot::OptionalTensor(ot::borrow(handles[i])));
    }
    return list;
  }
  c10::List<at::Tensor> list;
  list.reserve(value.count);
  for (int32_t i = 0; i < value.count; i++) {
    list.push_back(ot::borrow(handles[i]));
  }
  return list;
}

c10::IValue to_ivalue(const ot_value& value, Want want) {
  switch (value.tag) {
    case OT_NONE:
      return c10::IValue();
    case OT_TENSOR:
      return ot::borrow(value.handle);
    case OT_INT:
      return want == Want::Double ? c10::IValue(static_cast<double>(value.integer))
             : want == Want::Bool ? c10::IValue(value.integer != 0)
                                  : c10::IValue(value.integer);
    case OT_DOUBLE:
      return value.real;
    case OT_BOOL:
      return want == Want::Int ? c10::IValue(value.integer) : c10::IValue(value.integer != 0);
    case OT_INT_LIST:
    case OT_DOUBLE_LIST:
    case OT_BOOL_LIST:
      return list_value(value, want == Want::AsIs && value.tag == OT_DOUBLE_LIST ? Want::DoubleList : want);
    case OT_TENSOR_LIST:
      return tensor_list_value(value, want);
    case OT_STRING:
      return std::string(static_cast<const char*>(value.pointer), static_cast<size_t>(value.count));
    case OT_DEVICE:
      return ot::unpack(value.integer);
    case OT_GENERATOR:
      return *static_cast<at::Generator*>(value.handle);
    default:
      TORCH_CHECK(false, "The value tag ", value.tag, " is not known. The shim and the assembly are of different builds: rebuild both.");
  }
}

}  // namespace

namespace ot {

c10::IValue to_script_value(const ot_value& value) {
  return to_ivalue(value, value.tag == OT_BOOL_LIST ? Want::BoolList : Want::AsIs);
}

void write_value(c10::IValue&& from, ot_value& to) {
  to.count = 0;
  to.integer = 0;
  if (from.isTensor()) {
    to.handle = release(std::move(from).toTensor());
    to.tag = to.handle == nullptr ? OT_NONE : OT_TENSOR;
  } else if (from.isInt()) {
    to.tag = OT_INT;
    to.integer = from.toInt();
  } else if (from.isDouble()) {
    to.tag = OT_DOUBLE;
    to.real = from.toDouble();
  } else if (from.isBool()) {
    to.tag = OT_BOOL;
    to.integer = from.toBool() ? 1 : 0;
  } else if (from.isNone()) {
    to.tag = OT_NONE;
  } else if (from.isDevice()) {
    to.tag = OT_DEVICE;
    to.integer = pack(from.toDevice());
  } else if (from.isTensorList()) {
    auto tensors = from.toTensorVector();
    auto* handles = static_cast<ot_tensor*>(std::malloc(sizeof(ot_tensor) * (tensors.size() + 1)));
    TORCH_CHECK(handles != nullptr, "No memory for ", tensors.size(), " results.");
    for (size_t i = 0; i < tensors.size(); i++) {
      handles[i] = release(std::move(tensors[i]));
    }
    to.tag = OT_TENSOR_LIST;
    to.count = static_cast<int32_t>(tensors.size());
    to.pointer = handles;
  } else if (from.isIntList()) {
    auto numbers = from.toIntVector();
    auto* copy = static_cast<int64_t*>(std::malloc(sizeof(int64_t) * (numbers.size() + 1)));
    TORCH_CHECK(copy != nullptr, "No memory for ", numbers.size(), " results.");
    std::memcpy(copy, numbers.data(), sizeof(int64_t) * numbers.size());
    to.tag = OT_INT_LIST;
    to.count = static_cast<int32_t>(numbers.size());
    to.pointer = copy;
  } else {
    TORCH_CHECK(false, "A result of type ", from.tagKind(), " cannot be handed over. Only tensors, tensor lists, numbers and flags can.");
  }
}

}  // namespace ot

OT_API int ot_operator_find(const char* name, const char* overload, ot_operator* result) {
  return ot::guarded([&] {
    auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    const auto& schema = handle.schema();
    auto* found = new Operator{handle, {}, {}, {}, schema.returns().size()};
    for (const auto& argument : schema.arguments()) {
      found->wants.push_back(want_of(argument.type()));
      found->has_default.push_back(argument.default_value().has_value());
      found->defaults.push_back(argument.default_value().has_value() ? *argument.default_value() : c10::IValue());
    }
    *result = found;   // lives as long as the process: operators are looked up once
    return 0;
  });
}

OT_API int ot_operator_call(ot_operator op, const ot_value* arguments, int count, ot_value* results, int capacity) {
  auto& stack = thread_stack;
  const auto base = stack.size();   // above zero when a hook of the backward pass calls an operator
  const int status = ot::guarded([&] {
    const auto& found = *static_cast<const Operator*>(op);
    TORCH_CHECK(static_cast<size_t>(count) <= found.wants.size(), found.handle.schema().name(), " takes ", found.wants.size(),
                " arguments and was given ", count, ".");
    for (int i = 0; i < count; i++) {
      stack.push_back(to_ivalue(arguments[i], found.wants[i]));
    }
    for (size_t i = static_cast<size_t>(count); i < found.wants.size(); i++) {
      TORCH_CHECK(found.has_default[i], found.handle.schema().name(), " needs its argument '",
                  found.handle.schema().arguments()[i].name(), "', which was not given.");
      stack.push_back(found.defaults[i]);
    }
    found.handle.callBoxed(&stack);
    for (size_t i = 0; i < found.results && i < static_cast<size_t>(capacity); i++) {
      ot::write_value(std::move(stack[base + i]), results[i]);
    }
    return static_cast<int>(found.results);
  });
  stack.resize(base);
  return status;
}

OT_API void ot_free(void* memory) {
  std::free(memory);
}
