#pragma once

#include <string>
#include <string_view>

#include "tokenizer_file.h"

namespace sidenet {

/// A Hugging Face tokenizer.json of BERT's form: a WordPiece model, BertNormalizer (or Lowercase,
/// or nothing), BertPreTokenizer, and [CLS] A [SEP] B [SEP]. Of `options` stay max_tokens, mask,
/// and what the file leaves open (pad, truncation). Throws Error naming the field: anything that
/// this tokenizer would not do the same way.
TokenizerContents read_tokenizer_json(std::string_view bytes, const TokenizerOptions& options,
                                      const std::string& source);

}  // namespace sidenet
