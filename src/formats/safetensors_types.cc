#include "safetensors_types.h"

#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr struct {
  const char* name;
  DType dtype;
} kTypes[] = {{"F32", DType::f32},     {"F64", DType::f64}, {"F16", DType::f16},
              {"BF16", DType::bf16},   {"I8", DType::i8},   {"U8", DType::u8},
              {"I16", DType::i16},     {"I32", DType::i32}, {"I64", DType::i64},
              {"BOOL", DType::boolean}};

}  // namespace

DType safetensors_dtype(const std::string& type) {
  for (const auto& known : kTypes) {
    if (type == known.name) return known.dtype;
  }
  throw Error("dtype: expected F32, F64, F16, BF16, I8, U8, I16, I32, I64 or BOOL, got " +
              quote(type));
}

const char* safetensors_type_name(DType dtype) {
  for (const auto& known : kTypes) {
    if (dtype == known.dtype) return known.name;
  }
  throw Error("unknown element type " + std::to_string(static_cast<int>(dtype)));
}

}  // namespace sidenet
