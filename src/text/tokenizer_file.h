#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "added_tokens.h"
#include "sidenet/tokenizer.h"

namespace sidenet {

constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20, kMaxPieces = 800'000;

/// What a tokenizer is made from.
struct TokenizerContents {
  /// The model's pieces, then added tokens that the model does not have; empty: an id of no piece.
  std::vector<std::string> vocabulary;
  std::size_t model_pieces = 0;
  std::vector<AddedToken> added;
  TokenizerOptions options;
  bool lines = false;  ///< piece i is line i + 1 of a text file: for messages
  /// Different pieces of the model's file, a blank line among them: the first new token's id.
  std::size_t different = 0;
};

/// The piece's id. Throws Error where the vocabulary lacks it.
std::int32_t special_token_id(const std::vector<std::string>& vocabulary, const std::string& piece,
                              const std::string& source);
/// The vocabulary, with the special tokens of `options` as added tokens. Throws Error: empty, not
/// UTF-8, a special token is not in it.
TokenizerContents contents_of_vocabulary(std::vector<std::string> vocabulary,
                                         TokenizerOptions options, const std::string& source);
/// The special tokens of `options`, each once. Throws Error where one is not in the vocabulary.
std::vector<AddedToken> special_tokens(const std::vector<std::string>& vocabulary,
                                       const TokenizerOptions& options, const std::string& source);
/// A tokenizer as a model file keeps it: what it is made from, and a tokenizer made from that.
/// Throws Error: a vocabulary that is empty or not UTF-8, model_pieces or an added token that do
/// not fit it, and what Tokenizer's constructor refuses.
const TokenizerContents& contents_of(const Tokenizer& tokenizer);
Tokenizer make_tokenizer(TokenizerContents contents, const std::string& source);
/// Throws Error where the vocabulary is empty, too large or not UTF-8.
void check_vocabulary(const std::vector<std::string>& vocabulary, const std::string& source);
/// A vocab.txt: its pieces alone. Of one that is there twice the last line counts, as Hugging
/// Face's reader does it. Throws Error: not UTF-8, too many lines.
TokenizerContents read_vocabulary_lines(std::string_view bytes, const std::string& source);
/// Whether a tokenizer's file is a tokenizer.json: the first byte that is not blank is '{'. Throws
/// Error where it is too large.
bool is_tokenizer_json(std::string_view bytes, const std::string& source);
/// Adds tokens in their order, as Hugging Face's add_tokens() does: the vocabulary's id, or the
/// next one. Where a token's id is not -1 it must be that. A token that is there already stays.
/// Throws Error where ids or flags disagree, or the next id is another piece's.
void add_tokens(TokenizerContents& contents, const std::vector<AddedToken>& tokens,
                const std::string& source);
/// A vocab.txt, or a tokenizer.json where the first byte that is not blank is '{'. `source` is
/// named in messages.
TokenizerContents read_tokenizer(std::string_view bytes, const TokenizerOptions& options,
                                 const std::string& source);

}  // namespace sidenet
