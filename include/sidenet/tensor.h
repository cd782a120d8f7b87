#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sidenet/export.h"

namespace sidenet {

/// Element types that files can hold. The engine computes in f32.
enum class DType : std::uint8_t { f32, f64, f16, bf16, i8, u8, i16, i32, i64, boolean };

/// Bytes of one element.
SIDENET_API std::size_t dtype_size(DType dtype);
/// "f32", "bf16", …
SIDENET_API const char* dtype_name(DType dtype);

/// Extents, outermost first. An empty shape is a scalar: one element.
using Shape = std::vector<std::int64_t>;

/// "(64, 3, 7, 7)".
SIDENET_API std::string to_string(const Shape& shape);
/// Product of the extents. Throws Error where an extent is negative or the product does not fit 63
/// bits.
SIDENET_API std::int64_t element_count(const Shape& shape);

/// Where a tensor's bytes live. Shared by the tensors that view it.
class SIDENET_API Storage {
 public:
  virtual ~Storage() = default;
  /// Tells that these bytes will hardly be read again. A memory-mapped file gives its pages back;
  /// others do nothing.
  virtual void release(const std::byte* begin, std::size_t bytes) const {
    (void)begin;
    (void)bytes;
  }
};

/// A dense, row-major array. Copies share the bytes (as in PyTorch); `clone()` copies them.
class SIDENET_API Tensor {
 public:
  Tensor() = default;
  /// Zero-filled, 64-byte aligned. Throws Error where the shape does not fit memory.
  Tensor(DType dtype, Shape shape);
  /// A view of `data`, kept alive by `storage`. `data` must hold element_count(shape) elements.
  Tensor(DType dtype, Shape shape, const std::byte* data, std::shared_ptr<const Storage> storage);
  /// A float32 tensor that holds a copy of `values`. Throws Error where the counts disagree.
  static Tensor from(Shape shape, const std::vector<float>& values);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t axis) const { return shape_.at(axis); }
  std::size_t rank() const { return shape_.size(); }
  std::int64_t size() const { return size_; }  ///< elements
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * dtype_size(dtype_); }
  bool empty() const { return size_ == 0; }
  const std::byte* raw() const { return data_; }

  /// The elements. Throws Error where T is not the element type, or (data) where the bytes are not
  /// T-aligned.
  template <typename T>
  const T* data() const {
    require_type(type_of<T>());
    return reinterpret_cast<const T*>(data_);
  }
  /// As data(), to write. Throws Error for a view of read-only bytes.
  template <typename T>
  T* mutable_data() {
    require_type(type_of<T>());
    require_writable();
    return reinterpret_cast<T*>(const_cast<std::byte*>(data_));
  }

  /// The same elements as float32 (a view where they already are, and aligned).
  Tensor to_f32() const;
  /// The same elements rounded to the nearest bfloat16, ties to even. Throws Error unless they are
  /// float32.
  Tensor to_bf16() const;
  /// The same bytes under another shape. Throws Error where the element counts differ.
  Tensor reshape(Shape shape) const;
  Tensor clone() const;
  /// See Storage::release.
  void release_pages() const;

 private:
  template <typename T>
  static constexpr DType type_of();
  void require_type(DType dtype) const;
  void require_writable() const;

  DType dtype_ = DType::f32;
  bool writable_ = false;
  Shape shape_{0};
  std::int64_t size_ = 0;
  const std::byte* data_ = nullptr;
  std::shared_ptr<const Storage> storage_;
};

template <>
constexpr DType Tensor::type_of<float>() {
  return DType::f32;
}
template <>
constexpr DType Tensor::type_of<double>() {
  return DType::f64;
}
template <>
constexpr DType Tensor::type_of<std::int8_t>() {
  return DType::i8;
}
template <>
constexpr DType Tensor::type_of<std::uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType Tensor::type_of<std::int16_t>() {
  return DType::i16;
}
template <>
constexpr DType Tensor::type_of<std::int32_t>() {
  return DType::i32;
}
template <>
constexpr DType Tensor::type_of<std::int64_t>() {
  return DType::i64;
}

}  // namespace sidenet
