#pragma once

#include <optional>
#include <string>
#include <vector>

#include "import_text.h"
#include "tokenizer_file.h"

namespace sidenet {

/// What a folder's files say of its tokenizer, and what nobody says.
struct FolderTokenizer {
  TokenizerContents contents;
  /// Whether a file says so; else it is the default.
  bool case_is_told = false, accents_are_told = false, length_is_told = false;
  std::vector<std::string> notes;
};

/// The tokenizer of a folder as Hugging Face's AutoTokenizer (transformers 5) reads it for a BERT
/// or DistilBERT, and cuts texts with `truncation=True`. A BertTokenizer takes the pieces of
/// tokenizer.json or vocab.txt, and all the rest from tokenizer_config.json; a
/// PreTrainedTokenizerFast is what tokenizer.json says. Without a `max_tokens` rows have what the
/// files say, at most `positions`. Throws Error, naming the file and the field, for another
/// tokenizer and for what is not read.
FolderTokenizer read_tokenizer_folder(const CheckpointFiles& files, const ImportOptions& options,
                                      const std::optional<JsonField>& config, int positions);

/// Throws Error where the folder's tokenizer is another than BERT's, by the classes that its files
/// name or by the files that it has.
void refuse_other_tokenizers(const CheckpointFiles& files, const std::optional<JsonField>& config);

}  // namespace sidenet
