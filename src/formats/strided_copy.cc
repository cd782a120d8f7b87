#include "strided_copy.h"

#include <cstring>
#include <vector>

namespace sidenet {
namespace {

// The axes without those of one element, which would each cost a step a row of the copy.
void drop_single_axes(Shape& shape, Shape& strides) {
  std::size_t kept = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    shape[kept] = shape[axis];
    strides[kept++] = strides[axis];
  }
  shape.resize(kept);
  strides.resize(kept);
}

template <std::size_t Bytes>
void gather(const std::byte* from, const Shape& shape, const Shape& strides, std::byte* to) {
  constexpr auto kBytes = static_cast<std::int64_t>(Bytes);
  const std::size_t outer_axes = shape.empty() ? 0 : shape.size() - 1;
  const std::int64_t inner = shape.empty() ? 1 : shape.back();
  const std::int64_t inner_stride = strides.empty() ? 1 : strides.back();
  std::vector<std::int64_t> index(outer_axes, 0);
  std::int64_t start = 0;
  while (true) {
    const std::byte* run = from + start * kBytes;
    if (inner_stride == 1) {
      std::memcpy(to, run, static_cast<std::size_t>(inner * kBytes));
    } else {
      for (std::int64_t i = 0; i < inner; ++i)
        std::memcpy(to + i * kBytes, run + i * inner_stride * kBytes, Bytes);
    }
    to += inner * kBytes;
    // The next outer index, last axis fastest.
    std::size_t axis = outer_axes;
    for (; axis > 0; --axis) {
      start += strides[axis - 1];
      if (++index[axis - 1] < shape[axis - 1]) break;
      start -= strides[axis - 1] * shape[axis - 1];
      index[axis - 1] = 0;
    }
    if (axis == 0) return;
  }
}

}  // namespace

Tensor copy_strided(DType dtype, Shape shape, Shape strides, const std::byte* first) {
  Tensor result(dtype, shape);
  if (result.empty()) return result;
  drop_single_axes(shape, strides);
  // Writable, since just allocated; mutable_data() does not know every element type.
  auto* to = const_cast<std::byte*>(result.raw());
  switch (dtype_size(dtype)) {
    case 1: gather<1>(first, shape, strides, to); break;
    case 2: gather<2>(first, shape, strides, to); break;
    case 4: gather<4>(first, shape, strides, to); break;
    default: gather<8>(first, shape, strides, to); break;
  }
  return result;
}

}  // namespace sidenet
