#pragma once

#include <optional>
#include <string>

#include "json_field.h"
#include "model_data.h"

namespace sidenet {

/// The files of a checkpoint: a Hugging Face folder's, or the weights alone with what lies beside
/// them.
struct CheckpointFiles {
  std::string weights;
  std::string config;               ///< config.json; empty: none
  std::string vocabulary;           ///< tokenizer.json or vocab.txt; empty: none
  std::string tokenizer_config;     ///< tokenizer_config.json; empty: none
  std::string sentence_config;      ///< sentence_bert_config.json; empty: none
  std::string special_tokens_map;   ///< special_tokens_map.json; empty: none
  std::string added_tokens;         ///< added_tokens.json; empty: none
  std::string preprocessor_config;  ///< preprocessor_config.json; empty: none
};

/// Finds them. Throws Error where a folder has no weights that can be read.
CheckpointFiles find_checkpoint_files(const std::string& path, const ImportOptions& options);

/// A JSON file that is an object. Throws Error where it is none.
JsonField read_object(const std::string& file);

/// What a recognised text model has besides its weights: labels, where none were given, of
/// `config`, the checkpoint's config.json; and a tokenizer. Throws Error where they do not fit the
/// weights, or options are given that belong to images.
void import_text(const CheckpointFiles& files, const ImportOptions& options,
                 const std::optional<JsonField>& config, ModelData& data);

}  // namespace sidenet
