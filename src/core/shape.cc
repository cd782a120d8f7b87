#include "sidenet/error.h"
#include "sidenet/tensor.h"

namespace sidenet {

std::size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64: return 8;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16: return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean: return 1;
  }
  throw Error("unknown element type " + std::to_string(static_cast<int>(dtype)));
}

const char* dtype_name(DType dtype) {
  constexpr const char* names[] = {"f32", "f64", "f16", "bf16", "i8",
                                   "u8",  "i16", "i32", "i64",  "bool"};
  return names[static_cast<std::size_t>(dtype)];
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0) throw Error("shape " + to_string(shape) + " has a negative extent");
    if (__builtin_mul_overflow(count, extent, &count))
      throw Error("expected a shape of fewer than 2^63 elements, got " + to_string(shape));
  }
  return count;
}

}  // namespace sidenet
