#pragma once

#include <string>
#include <string_view>

#include "tokenizer_file.h"

namespace sidenet {

class JsonField;

/// A Hugging Face tokenizer.json of BERT's form: a WordPiece model, BertNormalizer (or Lowercase,
/// or nothing), BertPreTokenizer, and [CLS] A [SEP] B [SEP]. Of `options` stay max_tokens,
/// second_type, mask and pad where the vocabulary has them, and what the file leaves open
/// (truncation). Throws Error naming the field: anything that this tokenizer would not do the same
/// way.
TokenizerContents read_tokenizer_json(std::string_view bytes, const TokenizerOptions& options,
                                      const std::string& source);

/// Of a tokenizer.json what stays where a tokenizer class brings the rest: the pieces, the added
/// tokens with the file's ids, not yet in the vocabulary, and of the options truncation_side and,
/// where the file has a BertNormalizer, its lower_case and strip_accents (else unset). Throws Error
/// naming the field where it is no WordPiece.
TokenizerContents read_json_pieces(std::string_view bytes, const std::string& source);

/// An entry of `added_tokens` or of an `added_tokens_decoder`, without its id (-1). A missing flag
/// is as Hugging Face's AddedToken has it. Throws Error naming the field for what is not read.
AddedToken read_added_token(const JsonField& field, bool special);

}  // namespace sidenet
