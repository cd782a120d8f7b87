#include "torch_tensor.h"

#include <utility>

#include "byte_reader.h"
#include "checked.h"
#include "sidenet/error.h"
#include "strided_copy.h"

namespace sidenet {
namespace {

using pickle::Value;
constexpr std::size_t kMaxRank = 64;  // as in PyTorch
constexpr int kMaxWrappers = 8;       // Parameter of Parameter of …

struct Layout {
  std::int64_t offset = 0;  // elements
  Shape shape, strides;     // elements
};

bool is_rebuilder(const pickle::Global& type) {
  return (type.module == "torch._utils" || type.module == "torch._tensor") &&
         type.name.starts_with("_rebuild_");
}

bool is_wrapper(const pickle::Global& type) {
  return type.is("torch._utils", "_rebuild_parameter") ||
         type.is("torch._utils", "_rebuild_parameter_with_state") ||
         type.is("torch.nn.parameter", "Parameter") ||
         type.is("torch.autograd.variable", "Variable");
}

std::int64_t extent_field(const Value& value, const std::string& where, const char* field) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr)
    throw Error(where + ": " + field + ": expected an int, got " + pickle::describe(value));
  if (*number < 0)
    throw Error(where + ": " + field + ": expected 0 or more, got " + std::to_string(*number));
  return *number;
}

Shape extents(const Value& value, const std::string& where, const char* field) {
  const Value* tuple = &value;
  if (const auto* size = std::get_if<pickle::Instance*>(&value);
      size != nullptr && (*size)->type->is("torch", "Size")) {
    const auto* arguments = pickle::items_of((*size)->arguments);
    if (arguments != nullptr && arguments->size() == 1) tuple = &arguments->front();
  }
  const auto* items = pickle::items_of(*tuple);
  if (items == nullptr)
    throw Error(where + ": " + field + ": expected a tuple, got " + pickle::describe(value));
  if (items->size() > kMaxRank)
    throw Error(where + ": " + field + ": expected at most 64 axes, got " +
                std::to_string(items->size()));
  Shape result;
  for (const Value& item : *items) result.push_back(extent_field(item, where, field));
  return result;
}

// One more than the highest element index that the layout reaches; the shape has no extent of 0.
std::uint64_t reach(const Layout& layout) {
  auto last = static_cast<std::uint64_t>(layout.offset);
  for (std::size_t axis = 0; axis < layout.shape.size(); ++axis) {
    last = checked_add(last,
                       checked_mul(static_cast<std::uint64_t>(layout.shape[axis] - 1),
                                   static_cast<std::uint64_t>(layout.strides[axis]), "stride"),
                       "strides");
  }
  return checked_add(last, 1, "strides");
}

bool is_row_major(const Layout& layout) {
  std::int64_t expected = 1;
  for (std::size_t axis = layout.shape.size(); axis-- > 0;) {
    if (layout.shape[axis] == 1) continue;
    if (layout.strides[axis] != expected) return false;
    expected *= layout.shape[axis];
  }
  return true;
}

// The function that rebuilds the tensor and its arguments, out of the wrappers that parameters and
// tensors with Python attributes have around it.
std::pair<const pickle::Global*, const pickle::Values*> rebuilder(const Value& value,
                                                                  const std::string& where) {
  const Value* current = &value;
  for (int depth = 0; depth < kMaxWrappers; ++depth) {
    const auto* instance = std::get_if<pickle::Instance*>(current);
    if (instance == nullptr)
      throw Error(where + ": expected a tensor, got " + pickle::describe(*current));
    const pickle::Global* type = (*instance)->type;
    const auto* arguments = pickle::items_of((*instance)->arguments);
    if (arguments == nullptr || arguments->empty())
      throw Error(where + ": expected a tensor, got " + quote(type->full()) + " without arguments");
    if (type->is("torch._tensor", "_rebuild_from_type_v2")) {  // (function, type, arguments, state)
      const auto* function = std::get_if<const pickle::Global*>(&arguments->front());
      const auto* inner = arguments->size() < 3 ? nullptr : pickle::items_of((*arguments)[2]);
      if (function == nullptr || inner == nullptr || inner->empty()) {
        throw Error(where + ": " + quote(type->full()) + ": expected a function and its arguments");
      }
      type = *function;
      arguments = inner;
    }
    if (!is_wrapper(*type)) return {type, arguments};
    current = &arguments->front();
  }
  throw Error(where + ": expected a tensor, got more than " + std::to_string(kMaxWrappers) +
              " wrappers around it");
}

// What to do about a kind of tensor that is not read.
std::string advice(std::string_view rebuilder) {
  if (rebuilder == "_rebuild_qtensor") return ": a quantised network: save the float one";
  if (rebuilder.starts_with("_rebuild_sparse")) return ": save its to_dense()";
  if (rebuilder == "_rebuild_wrapper_subclass")
    return ": a DTensor or another subclass: save its full_tensor()";
  return "";
}

}  // namespace

bool is_torch_tensor(const Value& value) {
  const auto* instance = std::get_if<pickle::Instance*>(&value);
  return instance != nullptr &&
         (is_rebuilder(*(*instance)->type) || is_wrapper(*(*instance)->type));
}

Tensor TorchTensorBuilder::build(const Value& value, const std::string& where) {
  const auto [function, arguments] = rebuilder(value, where);
  const bool v3 = function->is("torch._utils", "_rebuild_tensor_v3");
  if (!v3 && !function->is("torch._utils", "_rebuild_tensor") &&
      !function->is("torch._utils", "_rebuild_tensor_v2")) {
    throw Error(where + ": a tensor made by " + quote(function->full()) +
                " is not read (expected a dense one)" + advice(function->name));
  }
  // (storage, offset, size, stride[, requires_grad, hooks[, dtype]])
  if (arguments->size() < (v3 ? 7u : 4u))
    throw Error(where + ": expected " + (v3 ? "7" : "4") + " arguments or more of " +
                quote(function->full()) + ", got " + std::to_string(arguments->size()) +
                ": too few arguments");
  const StorageReference storage = storage_reference((*arguments)[0], where);
  Layout layout{extent_field((*arguments)[1], where, "offset"),
                extents((*arguments)[2], where, "shape"),
                extents((*arguments)[3], where, "strides")};
  if (layout.shape.size() != layout.strides.size()) {
    throw Error(where + ": expected as many strides as axes, got shape " + to_string(layout.shape) +
                " with strides " + to_string(layout.strides));
  }
  // The stride of an axis of one element is never taken, so it may be anything; 0 cannot overflow.
  for (std::size_t axis = 0; axis < layout.shape.size(); ++axis) {
    if (layout.shape[axis] == 1) layout.strides[axis] = 0;
  }
  std::optional<DType> dtype = storage.dtype;
  if (v3) {
    const auto* name = std::get_if<const pickle::Global*>(&(*arguments)[6]);
    if (name == nullptr)
      throw Error(where + ": element type: expected a name, got " +
                  pickle::describe((*arguments)[6]));
    dtype = torch_dtype(**name, where);
  }
  if (!dtype)
    throw Error(where + ": expected a storage with an element type, got an untyped storage");

  std::uint64_t needed = 0, elements = 0, bytes = 0;
  try {
    elements = static_cast<std::uint64_t>(element_count(layout.shape));
    bytes = checked_mul(elements, dtype_size(*dtype), "tensor");
    needed = elements == 0 ? 0 : checked_mul(reach(layout), dtype_size(*dtype), "strides");
  } catch (const Error& error) {
    throw Error(where + ": " + error.what());
  }
  if (elements == 0) return Tensor(*dtype, layout.shape);

  // Found out in bytes, since a v3 tensor's elements are not its storage's.
  const StorageBytes found = lookup_(storage.key, where);
  const std::uint64_t unit = storage.element_bytes();
  if (storage.elements > found.bytes.size() / unit) {
    throw Error(where + ": storage " + quote(storage.key) + ": expected " +
                std::to_string(storage.elements) + " elements of " + std::to_string(unit) +
                " bytes, got " + std::to_string(found.bytes.size()) + " bytes");
  }
  const auto view = found.bytes.subspan(storage.view_offset * unit, storage.view_elements * unit);
  if (needed > view.size()) {
    throw Error(where + ": shape " + to_string(layout.shape) + ", strides " +
                to_string(layout.strides) + ", offset " + std::to_string(layout.offset) +
                " reach byte " + std::to_string(needed) + " of a storage of " +
                std::to_string(view.size()));
  }
  const std::byte* first =
      view.data() + static_cast<std::uint64_t>(layout.offset) * dtype_size(*dtype);
  const bool aligned = reinterpret_cast<std::uintptr_t>(first) % dtype_size(*dtype) == 0;
  if (aligned && is_row_major(layout)) return Tensor(*dtype, layout.shape, first, found.owner);

  const std::string copied = "shape " + to_string(layout.shape) + " with strides " +
                             to_string(layout.strides) + ", copied to be row-major and aligned,";
  budget_.take(bytes, where, copied.c_str());
  return copy_strided(*dtype, layout.shape, layout.strides, first);
}

}  // namespace sidenet
