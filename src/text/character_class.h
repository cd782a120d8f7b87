#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "unicode_ranges.h"

namespace sidenet {

/// What a code point is to BERT's tokenizer: a set of the bits below.
class CharacterClasses {
 public:
  enum Bit : std::uint8_t {
    removed = 1,
    nonspacing = 2,
    punctuation = 4,
    ideograph = 8,
    never_normalised = 16,
    white_space = 32,
  };
  /// The one table, made at the first call.
  static const CharacterClasses& get();

  unsigned of(char32_t c) const { return c < kTableSize ? table_[c] : outside_table(c); }

 private:
  static constexpr char32_t kTableSize = 0x20000;  // planes 0 and 1; the others have few ranges
  struct Marked {
    CodePointRange range;
    Bit bit;
  };

  CharacterClasses();
  void mark(std::span<const CodePointRange> ranges, Bit bit);
  unsigned outside_table(char32_t c) const;

  std::array<std::uint8_t, kTableSize> table_{};
  std::vector<Marked> others_;
};

}  // namespace sidenet
