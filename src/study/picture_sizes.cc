#include "picture_sizes.h"

#include <algorithm>
#include <vector>

namespace sidenet {

PictureSizes picture_sizes(const Dataset& data) {
  constexpr std::int64_t kMost = 32;
  PictureSizes sizes;
  std::vector<std::int64_t> shorter;
  sizes.square = true;
  const std::int64_t count = std::min(kMost, data.rows());
  for (std::int64_t i = 0; i < count; ++i) {
    const Tensor image = data.image(i * data.rows() / count);
    const std::int64_t height = image.dim(0), width = image.dim(1);
    shorter.push_back(std::min(height, width));
    sizes.square = sizes.square && height == width;
    if (i == 0) sizes.height = height, sizes.width = width;
    if (height != sizes.height || width != sizes.width) sizes.height = sizes.width = -1;
  }
  sizes.height = std::max<std::int64_t>(sizes.height, 0);
  sizes.width = std::max<std::int64_t>(sizes.width, 0);
  const auto middle = shorter.begin() + static_cast<std::ptrdiff_t>(shorter.size() / 2);
  std::nth_element(shorter.begin(), middle, shorter.end());
  sizes.shorter = *middle;
  return sizes;
}

}  // namespace sidenet
