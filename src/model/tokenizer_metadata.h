#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "json_field.h"
#include "sidenet/tokenizer.h"

namespace sidenet {

/// The tokenizer that a model file's "sidenet.tokenizer" describes, with its vocabulary. `path` is
/// named in messages. Throws Error for whatever no tokenizer has.
Tokenizer tokenizer_of_fields(const JsonField& field, std::vector<std::string> vocabulary,
                              const std::string& path);
/// What tokenizer_of_fields() reads.
nlohmann::json tokenizer_fields(const Tokenizer& tokenizer);

}  // namespace sidenet
