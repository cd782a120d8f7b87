#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sidenet {

/// What a file that is no PNG, JPEG, BMP or WebP is, by its first bytes, and what to do: "a GIF
/// picture: convert it to PNG"; for none that is known "a file that starts as none of them".
std::string picture_kind(std::span<const std::byte> bytes);

}  // namespace sidenet
