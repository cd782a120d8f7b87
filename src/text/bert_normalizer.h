#pragma once

#include <string>
#include <string_view>

#include "character_class.h"

namespace sidenet {

/// The steps of BERT's normalizer, in this order, each over the whole text.
struct NormalizerSteps {
  bool clean_text, chinese_characters, strip_accents, lower_case;
};

/// Hugging Face's BertNormalizer, code point by code point.
class BertNormalizer {
 public:
  explicit BertNormalizer(const NormalizerSteps& steps)
      : steps_(steps), classes_(CharacterClasses::get()) {}

  /// Replaces `out` by the normalised code points of `text`, which is valid UTF-8.
  void normalise(std::string_view text, std::u32string& out) const;

 private:
  void add(char32_t c, std::u32string& out) const;
  void order_marks(std::u32string& text) const;
  int combining_class(char32_t c) const;

  NormalizerSteps steps_;
  const CharacterClasses& classes_;
};

}  // namespace sidenet
