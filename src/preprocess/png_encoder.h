#pragma once

#include <string>

#include "sidenet/tensor.h"

namespace sidenet {

/// A PNG file of `image`, (H, W, C) bytes with C 1 or 3, none of them 0. Throws Error where it
/// cannot be made.
std::string encode_png(const Tensor& image);
/// At most `size` pixels high and wide, with the sides' ratio kept (antialiased); as it is where it
/// is no larger.
Tensor thumbnail(const Tensor& image, std::int64_t size);

}  // namespace sidenet
