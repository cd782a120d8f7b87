#pragma once

#include <string>

#include "model_data.h"

namespace sidenet {

/// The files of a checkpoint: a Hugging Face folder's, or the weights alone with what lies beside
/// them.
struct CheckpointFiles {
  std::string weights;
  std::string config;            ///< config.json; empty: none
  std::string vocabulary;        ///< tokenizer.json or vocab.txt; empty: none
  std::string tokenizer_config;  ///< tokenizer_config.json; empty: none
  std::string sentence_config;   ///< sentence_bert_config.json; empty: none
};

/// Finds them. Throws Error where a folder has no weights that can be read.
CheckpointFiles find_checkpoint_files(const std::string& path, const ImportOptions& options);

/// Makes `data` a text model of a BERT-family state dict in data.weights: clean names, settings,
/// labels, tokenizer. Returns false, with nothing changed, where the weights are of another family.
/// Throws Error: a configuration that does not fit the weights, or asks for what this family does
/// not do.
bool import_text(const CheckpointFiles& files, const ImportOptions& options, ModelData& data);

}  // namespace sidenet
