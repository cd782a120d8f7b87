#pragma once

#include <string>
#include <utility>
#include <vector>

#include "import_text.h"
#include "tokenizer_file.h"

namespace sidenet {

/// Gives `contents` the added tokens of a folder, in the order of transformers 5: those of
/// added_tokens_decoder in tokenizer_config.json; or without it of added_tokens.json and
/// tokenizer.json (`of_json`), with what special_tokens_map.json says; then the special tokens by
/// name, and the extra ones. Names them in contents.options. `defaults`: names that the class
/// itself has. Throws Error, naming the file and the field, where they disagree.
void add_folder_tokens(const CheckpointFiles& files, const JsonField& tokenizer_config,
                       const std::vector<AddedToken>& of_json,
                       const std::vector<std::pair<const char*, const char*>>& defaults,
                       TokenizerContents& contents);

}  // namespace sidenet
