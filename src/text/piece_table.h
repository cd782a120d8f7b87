#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidenet {

/// A hash that grows byte by byte, so that one pass over a word gives the hash of each of its
/// beginnings. Strings that were made to collide with one factor do not with another.
struct PieceHash {
  static constexpr std::uint64_t kSeed = 0x243F6A8885A308D3u;
  std::uint64_t factor = 0x9E3779B97F4A7C15u;  ///< odd

  constexpr std::uint64_t add(std::uint64_t hash, char byte) const {
    return (hash ^ static_cast<unsigned char>(byte)) * factor;
  }
  std::uint64_t of(std::string_view text) const;
};

/// Strings to their indices: a hash table with linear probing, at most half full. Views the
/// strings, which must outlive it and stay where they are.
class PieceTable {
 public:
  /// Looks at the strings behind their first `skip` bytes.
  explicit PieceTable(const std::vector<std::string>& strings, std::size_t skip = 0)
      : strings_(strings.data()), skip_(skip) {}
  /// Empty again, with room for so many strings and another hash. Before the first add.
  void reset(std::size_t count, PieceHash hash);

  enum class Added { yes, is_there, too_many_collisions };
  /// Second: the index of the equal string that is there. A run of slots has a bound, and those in
  /// it of one hash, so that find() takes the time that it takes for any strings.
  std::pair<Added, std::int32_t> add(std::int32_t index);

  /// The string's index, or -1. `hash` is the text's.
  std::int32_t find(std::string_view text, std::uint64_t hash) const {
    const std::uint32_t tag = tag_of(hash);
    std::size_t at = hash >> shift_;
    for (std::size_t run = 0; run <= longest_run_; ++run, at = (at + 1) & mask_) {
      const Slot slot = slots_[at];
      if (slot.index < 0) return -1;
      if (slot.tag == tag && string(slot.index) == text) return slot.index;
    }
    return -1;
  }
  /// Bytes of the longest string.
  std::size_t longest() const { return longest_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t index = -1;
  };
  // Strings of one tag share their first slot too: they stand in one run, where add() counts them.
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::string_view string(std::int32_t index) const {
    return std::string_view(strings_[index]).substr(skip_);
  }

  const std::string* strings_;
  std::size_t skip_;
  PieceHash hash_;
  std::vector<Slot> slots_ = std::vector<Slot>(2);
  std::size_t mask_ = 1;
  unsigned shift_ = 63;  // the product's high bits are the mixed ones
  std::size_t longest_ = 0, longest_run_ = 0;
};

}  // namespace sidenet
