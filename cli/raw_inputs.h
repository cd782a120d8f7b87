#pragma once

#include <map>
#include <string>
#include <vector>

#include "sidenet/batch.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// "x.npy" and "name=x.npy"; a file whose own name holds "=" wins.
struct InputFile {
  explicit InputFile(const std::string& text);
  bool named;
  std::string name, path;
};

/// Preprocessed rows of .npy files.
struct RawInputs {
  Batch batch;
  std::string file;  ///< of the first input, for messages
};

/// The rows of a model's inputs, each given as InputFile: "input" of images, "input_ids",
/// "attention_mask" and "token_type_ids" of texts; one without a name is the first. `option` is
/// named in messages. Throws Error where a name is not the model's, or a file does not fit.
RawInputs read_raw_inputs(const Model& model, const std::vector<std::string>& given,
                          const std::string& option);

}  // namespace sidenet::tools
