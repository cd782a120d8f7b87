#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "added_tokens.h"
#include "bert_normalizer.h"
#include "sidenet/text.h"
#include "tokenizer_file.h"
#include "word_piece.h"

namespace sidenet {

/// What stands behind the public Tokenizer: added tokens cut out of the raw text, then for each
/// stretch between them normalisation, words, pieces.
class BertTokenizer {
 public:
  /// Throws Error: a piece twice, no special token, options out of range, added tokens that cannot
  /// be told apart.
  BertTokenizer(TokenizerContents contents, const std::string& source);
  BertTokenizer(const BertTokenizer&) = delete;
  BertTokenizer& operator=(const BertTokenizer&) = delete;

  void encode(const Text& text, TokenRows& rows) const;
  std::vector<std::int32_t> piece_ids(std::string_view text) const;
  const TokenizerContents& contents() const { return contents_; }

 private:
  /// Working memory of one call.
  struct Pass {
    std::vector<std::int32_t>& ids;
    std::size_t enough;  ///< may stop at so many ids
    std::vector<char> word;
    std::vector<std::uint64_t> prefixes;
    std::u32string code_points;
    bool done() const { return ids.size() >= enough; }
  };

  void append_text(std::string_view text, std::size_t at_most,
                   std::vector<std::int32_t>& ids) const;
  void append_stretch(const char* at, const char* end, Pass& pass) const;
  void append_unicode(std::string_view text, Pass& pass) const;
  void append_normalised(std::string_view text, Pass& pass) const;
  void append_words(std::u32string_view normalised, Pass& pass) const;
  void cut(std::vector<std::int32_t>& ids, std::size_t begin, std::size_t keep) const;
  void append_row(const Text& text, std::vector<std::int32_t>& ids,
                  std::size_t& first_length) const;

  TokenizerContents contents_;
  BertNormalizer normalizer_;
  AddedTokens added_, added_normalised_;
  WordPiece words_;
  const CharacterClasses& classes_;
  std::size_t max_word_characters_;
  std::int32_t cls_, sep_, unknown_;
  std::array<char, 256> folded_{};  // a plain ASCII character, lowered; 0: anything else
  std::array<std::int32_t, 128>
      separators_{};  // of ASCII: kBlank, the id of a punctuation mark, or kNone
};

}  // namespace sidenet
