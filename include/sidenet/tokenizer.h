#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sidenet/enum_names.h"
#include "sidenet/export.h"
#include "sidenet/text.h"

namespace sidenet {

struct TokenizerContents;

/// What a text that is too long loses its tokens from.
enum class Truncation {
  longest_first,  ///< the longer of the two texts, token by token, as Hugging Face's tokenizers do
  only_first      ///< the first text
};
template <>
inline constexpr EnumName<Truncation> kEnumNames<Truncation>[] = {
    {Truncation::longest_first, "longest_first"}, {Truncation::only_first, "only_first"}};

/// The end of a text that is too long from which its tokens are cut.
enum class TruncationSide { right, left };
template <>
inline constexpr EnumName<TruncationSide> kEnumNames<TruncationSide>[] = {
    {TruncationSide::right, "right"}, {TruncationSide::left, "left"}};

struct TokenizerOptions {
  bool clean_text = true;          ///< drop control characters, turn every white space into a blank
  bool chinese_characters = true;  ///< each CJK ideograph is a word of its own
  /// NFD, then drop nonspacing marks; unset: where lower_case is set.
  std::optional<bool> strip_accents = {};
  bool lower_case = true;
  int max_word_characters = 100;    ///< a longer word becomes `unknown`
  std::string continuation = "##";  ///< in front of a piece that goes on a word
  /// pad and mask may be empty: there is none.
  std::string unknown = "[UNK]", cls = "[CLS]", sep = "[SEP]", pad = "[PAD]", mask = "[MASK]";
  int max_tokens = 512;  ///< of a row, [CLS] and [SEP] included
  Truncation truncation = Truncation::longest_first;
  TruncationSide truncation_side = TruncationSide::right;
  int second_type = 1;  ///< of a second text's tokens: 1, or 0 where texts are not told apart
};

/// BERT's tokenizer: basic tokenisation, then WordPiece by greedy longest match (arXiv 1810.04805;
/// 1609.08144, section 4.1). Gives what Hugging Face's tokenizers give. Immutable, cheap to copy,
/// safe to share between threads.
///
///     TokenRows rows;
///     Tokenizer::load("vocab.txt").encode({"a text"}, rows);
class SIDENET_API Tokenizer {
 public:
  /// vocabulary: the piece of each id; an empty one is an id that no text has. `source` is named in
  /// messages. Throws Error: nothing in it, a piece twice, no special token.
  Tokenizer(std::vector<std::string> vocabulary, TokenizerOptions options,
            const std::string& source);
  /// A vocab.txt (one piece a line, the last line of a piece that is there twice; `options` as
  /// given) or a Hugging Face tokenizer.json (what the file says wins, but for max_tokens and
  /// second_type). Throws Error with the file's name and the line or field.
  static Tokenizer load(const std::string& path, const TokenizerOptions& options = {});

  /// Appends one row: [CLS] first [SEP], and second [SEP] with options().second_type. Throws Error
  /// where the text is not UTF-8, with the byte's offset; `rows` is as before then.
  void encode(const Text& text, TokenRows& rows) const;
  /// The pieces of one text without special tokens and untruncated.
  std::vector<std::string> tokenize(const std::string& text) const;

  const std::vector<std::string>& vocabulary() const;
  const TokenizerOptions& options() const;

 private:
  friend const TokenizerContents& contents_of(const Tokenizer& tokenizer);
  friend Tokenizer make_tokenizer(TokenizerContents contents, const std::string& source);
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace sidenet
