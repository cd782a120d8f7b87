#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "sidenet/error.h"

// Numbers in the headers of picture files. Who reads one has made sure that it is there.
namespace sidenet {

using PictureBytes = std::span<const std::byte>;

inline std::uint32_t u8(PictureBytes bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]);
}
inline std::uint32_t be16(PictureBytes bytes, std::size_t at) {
  return u8(bytes, at) << 8 | u8(bytes, at + 1);
}
inline std::uint32_t be32(PictureBytes bytes, std::size_t at) {
  return be16(bytes, at) << 16 | be16(bytes, at + 2);
}
inline std::uint32_t le16(PictureBytes bytes, std::size_t at) {
  return u8(bytes, at) | u8(bytes, at + 1) << 8;
}
inline std::uint32_t le32(PictureBytes bytes, std::size_t at) {
  return le16(bytes, at) | le16(bytes, at + 2) << 16;
}

[[noreturn]] inline void fail_at(const std::string& name, std::size_t at,
                                 const std::string& problem) {
  throw Error(name + ": byte " + std::to_string(at) + ": " + problem);
}

/// Throws Error where `what`, `count` bytes from `at` on, is not all there.
inline void require(PictureBytes bytes, std::size_t at, std::size_t count, const char* what,
                    const std::string& name) {
  if (at <= bytes.size() && count <= bytes.size() - at) return;
  fail_at(name, at <= bytes.size() ? at : bytes.size(),
          std::string("truncated: ") + what + " takes " + std::to_string(count) +
              " bytes, the file ends at " + std::to_string(bytes.size()));
}

}  // namespace sidenet
