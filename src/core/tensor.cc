#include "sidenet/tensor.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "checked.h"
#include "machine_memory.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

class HeapStorage : public Storage {
 public:
  explicit HeapStorage(std::size_t bytes) {
    require_memory(bytes, "a tensor");
    // calloc leaves large blocks untouched until used; 64 bytes more to align by hand.
    block_ = std::calloc(1, bytes + 64);
    if (block_ == nullptr)
      throw Error("out of memory: a tensor of " + std::to_string(bytes) + " bytes");
    data_ = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(block_) + 63) / 64 * 64);
  }
  ~HeapStorage() override { std::free(block_); }
  std::byte* data() const { return data_; }

 private:
  void* block_;
  std::byte* data_;
};

template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// IEEE 754 binary16: sign, 5 exponent bits (bias 15), 10 fraction bits.
float from_f16(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = (half >> 10) & 31;
  const std::uint32_t fraction = half & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent == 0) {
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

template <typename T>
void convert(const std::byte* from, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = static_cast<float>(load<T>(from + i * static_cast<std::int64_t>(sizeof(T))));
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype), writable_(true), shape_(std::move(shape)) {
  size_ = element_count(shape_);
  const auto bytes = checked_mul(static_cast<std::uint64_t>(size_), dtype_size(dtype), "tensor");
  if (bytes > std::numeric_limits<std::size_t>::max() / 4)
    throw Error("tensor " + to_string(shape_) + " does not fit memory");
  auto storage = std::make_shared<HeapStorage>(bytes);
  data_ = storage->data();
  storage_ = std::move(storage);
}

Tensor::Tensor(DType dtype, Shape shape, const std::byte* data,
               std::shared_ptr<const Storage> storage)
    : dtype_(dtype),
      shape_(std::move(shape)),
      size_(element_count(shape_)),
      data_(data),
      storage_(std::move(storage)) {}

Tensor Tensor::from(Shape shape, const std::vector<float>& values) {
  Tensor tensor(DType::f32, std::move(shape));
  if (tensor.size() != static_cast<std::int64_t>(values.size())) {
    throw Error("tensor " + to_string(tensor.shape()) + " from " + std::to_string(values.size()) +
                " values");
  }
  if (!values.empty()) std::memcpy(tensor.mutable_data<float>(), values.data(), tensor.bytes());
  return tensor;
}

void Tensor::require_type(DType dtype) const {
  if (dtype != dtype_)
    throw Error(std::string("tensor: expected ") + dtype_name(dtype) + ", got " +
                dtype_name(dtype_));
  if (reinterpret_cast<std::uintptr_t>(data_) % dtype_size(dtype) != 0)
    throw Error("tensor: the bytes are not aligned to their type");
}

void Tensor::require_writable() const {
  if (!writable_) throw Error("tensor: these bytes are read-only (a mapped file)");
}

Tensor Tensor::to_f32() const {
  const bool aligned = reinterpret_cast<std::uintptr_t>(data_) % sizeof(float) == 0;
  if (dtype_ == DType::f32 && aligned) return *this;
  Tensor result(DType::f32, shape_);
  float* to = result.mutable_data<float>();
  switch (dtype_) {
    case DType::f32: convert<float>(data_, size_, to); break;
    case DType::f64: convert<double>(data_, size_, to); break;
    case DType::i8: convert<std::int8_t>(data_, size_, to); break;
    case DType::boolean:
    case DType::u8: convert<std::uint8_t>(data_, size_, to); break;
    case DType::i16: convert<std::int16_t>(data_, size_, to); break;
    case DType::i32: convert<std::int32_t>(data_, size_, to); break;
    case DType::i64: convert<std::int64_t>(data_, size_, to); break;
    case DType::f16:
      for (std::int64_t i = 0; i < size_; ++i) to[i] = from_f16(load<std::uint16_t>(data_ + 2 * i));
      break;
    case DType::bf16:
      for (std::int64_t i = 0; i < size_; ++i) {
        to[i] = std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(data_ + 2 * i))
                                     << 16);
      }
      break;
  }
  return result;
}

Tensor Tensor::to_bf16() const {
  Tensor result(DType::bf16, shape_);
  auto* to = reinterpret_cast<std::uint16_t*>(const_cast<std::byte*>(result.data_));
  const float* from = data<float>();
  for (std::int64_t i = 0; i < size_; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(from[i]);
    const bool is_nan =
        (bits & 0x7fffffff) > 0x7f800000;  // rounding could carry one over into the sign
    to[i] = static_cast<std::uint16_t>(is_nan ? bits >> 16 | 0x40
                                              : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  return result;
}

Tensor Tensor::reshape(Shape shape) const {
  if (element_count(shape) != size_)
    throw Error("tensor " + to_string(shape_) + " cannot be reshaped to " + to_string(shape));
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

Tensor Tensor::clone() const {
  Tensor result(dtype_, shape_);
  if (size_ > 0) std::memcpy(const_cast<std::byte*>(result.data_), data_, bytes());
  return result;
}

void Tensor::release_pages() const {
  if (storage_) storage_->release(data_, bytes());
}

}  // namespace sidenet
