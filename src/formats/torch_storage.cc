#include "torch_storage.h"

#include <algorithm>
#include <array>

#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::size_t kMaxKeyBytes = 256;

struct NamedType {
  std::string_view name;
  DType dtype;
};

constexpr std::array kStorages{
    NamedType{"FloatStorage", DType::f32}, NamedType{"DoubleStorage", DType::f64},
    NamedType{"HalfStorage", DType::f16},  NamedType{"BFloat16Storage", DType::bf16},
    NamedType{"CharStorage", DType::i8},   NamedType{"ByteStorage", DType::u8},
    NamedType{"ShortStorage", DType::i16}, NamedType{"IntStorage", DType::i32},
    NamedType{"LongStorage", DType::i64},  NamedType{"BoolStorage", DType::boolean}};

constexpr std::array kDTypes{NamedType{"float32", DType::f32},   NamedType{"float", DType::f32},
                             NamedType{"float64", DType::f64},   NamedType{"double", DType::f64},
                             NamedType{"float16", DType::f16},   NamedType{"half", DType::f16},
                             NamedType{"bfloat16", DType::bf16}, NamedType{"int8", DType::i8},
                             NamedType{"uint8", DType::u8},      NamedType{"int16", DType::i16},
                             NamedType{"int32", DType::i32},     NamedType{"int64", DType::i64},
                             NamedType{"bool", DType::boolean}};

template <std::size_t N>
DType named(const std::array<NamedType, N>& types, const pickle::Global& global,
            const std::string& where) {
  const auto found = std::find_if(types.begin(), types.end(),
                                  [&](const NamedType& t) { return t.name == global.name; });
  if (found == types.end())
    throw Error(where + ": element type " + quote(global.full()) + " is not read");
  return found->dtype;
}

std::uint64_t size_field(const pickle::Value& value, const std::string& where, const char* field) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr)
    throw Error(where + ": " + field + ": expected an int, got " + pickle::describe(value));
  if (*number < 0)
    throw Error(where + ": " + field + ": expected 0 or more, got " + std::to_string(*number));
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

DType torch_dtype(const pickle::Global& global, const std::string& where) {
  if (global.module != "torch")
    throw Error(where + ": expected an element type, got " + quote(global.full()));
  return named(kDTypes, global, where);
}

StorageReference storage_reference(const pickle::Value& value, const std::string& where) {
  const auto* id = std::get_if<const pickle::PersistentId*>(&value);
  const auto* fields = id == nullptr ? nullptr : pickle::items_of((*id)->id);
  if (fields == nullptr || fields->size() < 5 || fields->size() > 6 ||
      pickle::text_of(fields->front()) != "storage") {
    throw Error(where +
                ": expected a storage reference ('storage', type, key, location, size), got " +
                (id == nullptr ? pickle::describe(value) : "another persistent id"));
  }
  StorageReference reference;
  const auto* type = std::get_if<const pickle::Global*>(&(*fields)[1]);
  if (type == nullptr)
    throw Error(where + ": storage type: expected a class, got " + pickle::describe((*fields)[1]));
  const std::string_view module = (*type)->module;
  if (module != "torch" && module != "torch.cuda" && module != "torch.storage") {
    throw Error(where + ": storage type: expected a class of torch, got " + quote((*type)->full()));
  }
  if ((*type)->name != "UntypedStorage") reference.dtype = named(kStorages, **type, where);
  reference.key = pickle::text_of((*fields)[2]);
  if (reference.key.empty())
    throw Error(where + ": storage key: expected a str, got " + pickle::describe((*fields)[2]));
  // PyTorch's are numbers. One text can be the key of any number of references, which compare it.
  if (reference.key.size() > kMaxKeyBytes) {
    throw Error(where + ": storage key: expected at most " + std::to_string(kMaxKeyBytes) +
                " bytes, got " + std::to_string(reference.key.size()));
  }
  reference.elements = size_field((*fields)[4], where, "storage size");
  reference.view_elements = reference.elements;
  if (fields->size() == 5 || std::holds_alternative<std::monostate>((*fields)[5])) return reference;

  const auto* view = pickle::items_of((*fields)[5]);
  if (view == nullptr || view->size() != 3)
    throw Error(where + ": storage view: expected (key, offset, size)");
  reference.view_offset = size_field((*view)[1], where, "storage view offset");
  reference.view_elements = size_field((*view)[2], where, "storage view size");
  if (reference.view_offset > reference.elements ||
      reference.view_elements > reference.elements - reference.view_offset) {
    throw Error(where + ": storage view: elements " + std::to_string(reference.view_offset) +
                " + " + std::to_string(reference.view_elements) + " of a storage of " +
                std::to_string(reference.elements));
  }
  return reference;
}

}  // namespace sidenet
