#include "bert_normalizer.h"

#include <utf8proc.h>

#include <algorithm>

#include "utf8_text.h"

namespace sidenet {
namespace {

constexpr char32_t kDottedCapitalI = 0x130;  // the only one that becomes two: "i" and U+0307

// Simple lower case of Unicode 17; utf8proc 2.8 has that of 15. The final sigma is lowered as any
// other, without context.
char32_t lower(char32_t c) {
  constexpr char32_t kFirstOfLaterVersions = 0x1C89;
  if (c >= kFirstOfLaterVersions) {
    if (c == 0x1C89 || c == 0xA7CC || c == 0xA7CE || c == 0xA7D2 || c == 0xA7D4 || c == 0xA7DA)
      return c + 1;
    if (c == 0xA7CB) return 0x264;
    if (c == 0xA7DC) return 0x19B;
    if (c >= 0x10D50 && c <= 0x10D65) return c + 0x20;
    if (c >= 0x16EA0 && c <= 0x16EB8) return c + 0x1B;
  }
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

bool is_hangul_syllable(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }

}  // namespace

void BertNormalizer::normalise(std::string_view text, std::u32string& out) const {
  out.clear();
  for (const char* at = text.data(); at != text.data() + text.size();) {
    char32_t c = next_code_point(at);
    const unsigned bits = classes_.of(c);
    if (steps_.clean_text) {
      if ((bits & CharacterClasses::removed) != 0) continue;
      if ((bits & CharacterClasses::white_space) != 0) c = U' ';
    }
    if (steps_.chinese_characters && (bits & CharacterClasses::ideograph) != 0) {
      out += U' ';
      add(c, out);
      out += U' ';
    } else {
      add(c, out);
    }
  }
  if (steps_.strip_accents) {
    order_marks(out);
    std::erase_if(out,
                  [&](char32_t c) { return (classes_.of(c) & CharacterClasses::nonspacing) != 0; });
  }
  if (!steps_.lower_case) return;
  std::size_t from = out.size();
  std::size_t to =
      from + static_cast<std::size_t>(std::count(out.begin(), out.end(), kDottedCapitalI));
  out.resize(to);
  while (from-- > 0) {
    if (out[from] == kDottedCapitalI) {
      out[--to] = U'\u0307';
      out[--to] = U'i';
    } else {
      out[--to] = lower(out[from]);
    }
  }
}

// The canonical decomposition where accents are stripped, else the code point.
void BertNormalizer::add(char32_t c, std::u32string& out) const {
  constexpr char32_t kFirstDecomposed = 0xC0;
  constexpr int kLongest = 4;  // the longest canonical decomposition, in every version of Unicode
  if (steps_.strip_accents && c >= kFirstDecomposed) {
    const auto code = static_cast<utf8proc_int32_t>(c);
    const bool decomposed =
        utf8proc_get_property(code)->decomp_seqindex != UINT16_MAX || is_hangul_syllable(c);
    if (decomposed && (classes_.of(c) & CharacterClasses::never_normalised) == 0) {
      utf8proc_int32_t parts[kLongest];
      int boundary = 0;
      const auto count =
          utf8proc_decompose_char(code, parts, kLongest, UTF8PROC_DECOMPOSE, &boundary);
      if (count > 0 && count <= kLongest) {
        for (int i = 0; i < count; ++i) out += static_cast<char32_t>(parts[i]);
        return;
      }
    }
  }
  out += c;
}

int BertNormalizer::combining_class(char32_t c) const {
  constexpr char32_t kFirstCombining = 0x300;
  if (c < kFirstCombining) return 0;
  const int combining = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
  return combining != 0 && (classes_.of(c) & CharacterClasses::never_normalised) != 0 ? 0
                                                                                      : combining;
}

// The canonical ordering algorithm: runs of marks of a combining class above 0, sorted by it,
// stably.
void BertNormalizer::order_marks(std::u32string& text) const {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (combining_class(text[i]) == 0) continue;
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end =
        std::find_if(begin, text.end(), [&](char32_t c) { return combining_class(c) == 0; });
    const auto before = [&](char32_t a, char32_t b) {
      return combining_class(a) < combining_class(b);
    };
    if (!std::is_sorted(begin, end, before)) std::stable_sort(begin, end, before);
    i = static_cast<std::size_t>(end - text.begin());
  }
}

}  // namespace sidenet
