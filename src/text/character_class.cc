#include "character_class.h"

#include <algorithm>

namespace sidenet {
namespace {

// Unicode's White_Space, the same in all its versions since 6.3.
constexpr CodePointRange kWhiteSpace[] = {
    {0x9, 0xD},       {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
};

}  // namespace

const CharacterClasses& CharacterClasses::get() {
  static const CharacterClasses classes;
  return classes;
}

CharacterClasses::CharacterClasses() {
  mark(removed_ranges(), removed);
  mark(nonspacing_ranges(), nonspacing);
  mark(punctuation_ranges(), punctuation);
  mark(ideographs_ranges(), ideograph);
  mark(never_normalised_ranges(), never_normalised);
  mark(kWhiteSpace, white_space);
}

void CharacterClasses::mark(std::span<const CodePointRange> ranges, Bit bit) {
  for (const CodePointRange& range : ranges) {
    const char32_t end = std::min<char32_t>(range.last + 1, kTableSize);
    for (char32_t c = range.first; c < end; ++c)
      table_[c] = static_cast<std::uint8_t>(table_[c] | bit);
    if (range.last >= kTableSize) others_.push_back({range, bit});
  }
}

unsigned CharacterClasses::outside_table(char32_t c) const {
  unsigned bits = 0;
  for (const Marked& other : others_) {
    if (other.range.first <= c && c <= other.range.last) bits |= other.bit;
  }
  return bits;
}

}  // namespace sidenet
