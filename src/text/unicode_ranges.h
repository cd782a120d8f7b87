#pragma once

#include <span>

namespace sidenet {

struct CodePointRange {
  char32_t first, last;
};

// What Hugging Face's BERT normalizer and pre-tokenizer do with each code point, in ascending
// order. Their tables stay at Unicode 8 and 9, and many pieces of a vocabulary were made with them,
// so utf8proc's newer categories are not used.

/// Dropped where the text is cleaned: U+0000, U+FFFD, Cc but \t \n \r, Cf, Co (not Cn).
std::span<const CodePointRange> removed_ranges();
/// Mn: dropped with the accents.
std::span<const CodePointRange> nonspacing_ranges();
/// P*, and ASCII's symbols.
std::span<const CodePointRange> punctuation_ranges();
std::span<const CodePointRange> ideographs_ranges();
/// Left as they are by NFD, and of combining class 0, although later versions of Unicode
/// (utf8proc's) say otherwise.
std::span<const CodePointRange> never_normalised_ranges();

}  // namespace sidenet
