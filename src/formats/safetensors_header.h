#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sidenet {

/// "the header size is at most 100 MB" (safetensors' README).
constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

/// One tensor as the header has it; nothing is checked but the JSON's form.
struct SafetensorsEntry {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> data_offsets;
  unsigned fields = 0;  // a bit for each of the three that was there
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Reads the JSON event by event, so that nothing but this form is ever built. Throws Error, starting with `where`:
/// JSON that is malformed, has another form, or a key twice.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& where);

}  // namespace sidenet
