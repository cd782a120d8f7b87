#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sidenet {

/// "the header size is at most 100 MB" (safetensors' README).
constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;
/// Far above any checkpoint's. With those of JSON values and of a string's bytes, reading a header
/// stays within two times its size and 64 MB.
constexpr std::size_t kMaxSafetensorsTensors = 100'000, kMaxSafetensorsMetadata = 65'536;
constexpr std::size_t kMaxSafetensorsValues = 2'000'000,
                      kMaxSafetensorsString = std::size_t{32} << 20;

/// One tensor as the header has it; nothing is checked but the JSON's form.
struct SafetensorsEntry {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::array<std::uint64_t, 2> data_offsets{};
  unsigned fields = 0;  // a bit for each of the three that was there
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Reads the JSON event by event, so that nothing but this form is ever built. Throws Error,
/// starting with `where`: JSON that is malformed, beyond the bounds above, of another form, or has
/// a key twice.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& where);

}  // namespace sidenet
