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
  std::vector<std::string>
      vocabulary;  ///< the model's pieces, then added tokens that the model does not have
  std::size_t model_pieces = 0;
  std::vector<AddedToken> added;
  TokenizerOptions options;
  bool lines = false;  ///< piece i is line i + 1 of a text file: for messages
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
/// A vocab.txt, or a tokenizer.json where the first byte that is not blank is '{'. `source` is
/// named in messages.
TokenizerContents read_tokenizer(std::string_view bytes, const TokenizerOptions& options,
                                 const std::string& source);

}  // namespace sidenet
