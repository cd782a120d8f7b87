#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidenet {

/// A hash that grows byte by byte, so that one pass over a word gives the hash of each of its beginnings.
constexpr std::uint64_t kHashSeed = 0x243F6A8885A308D3u;
constexpr std::uint64_t hash_byte(std::uint64_t hash, char byte) {
  return (hash ^ static_cast<unsigned char>(byte)) * 0x9E3779B97F4A7C15u;
}
std::uint64_t hash_of(std::string_view text);

/// Strings to their indices: a hash table with linear probing, at most half full. Views the strings, which must outlive it
/// and stay where they are.
class PieceTable {
 public:
  /// Looks at the strings behind their first `skip` bytes.
  explicit PieceTable(const std::vector<std::string>& strings, std::size_t skip = 0)
      : strings_(strings.data()), skip_(skip) {}
  /// Room for so many strings. Before the first add.
  void reserve(std::size_t count);

  enum class Added { yes, is_there, too_many_collisions };
  /// Second: the index of the equal string that is there. A run of slots has a bound, so that strings made to collide cost
  /// a refusal and not time.
  std::pair<Added, std::int32_t> add(std::int32_t index);

  /// The string's index, or -1. `hash` is the text's.
  std::int32_t find(std::string_view text, std::uint64_t hash) const {
    const auto tag = static_cast<std::uint32_t>(hash);
    for (std::size_t at = hash >> shift_;; at = (at + 1) & mask_) {
      const Slot slot = slots_[at];
      if (slot.index < 0) return -1;
      if (slot.tag == tag && string(slot.index) == text) return slot.index;
    }
  }
  /// Bytes of the longest string.
  std::size_t longest() const { return longest_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t index = -1;
  };
  std::string_view string(std::int32_t index) const { return std::string_view(strings_[index]).substr(skip_); }

  const std::string* strings_;
  std::size_t skip_;
  std::vector<Slot> slots_ = std::vector<Slot>(2);
  std::size_t mask_ = 1;
  unsigned shift_ = 63;  // the product's high bits are the mixed ones
  std::size_t longest_ = 0;
};

}  // namespace sidenet
