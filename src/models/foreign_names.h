#pragma once

#include <map>
#include <string>

#include "sidenet/tensor.h"

namespace sidenet {
class JsonField;
}

namespace sidenet::models {

/// Throws Error, saying what it is and what to do, where names of tensors tell that an encoder is
/// no plain BERT: an adapter is in it, its weights are quantised, or it has another method's exits.
/// `file` is named in messages.
void refuse_foreign_names(const std::map<std::string, Tensor>& tensors, const std::string& file);

/// Throws Error where the module that an encoder of BERT's form stands in ("roberta.") is called as
/// those of another network, whose answers differ. `tensor`: the encoder's word embedding.
void refuse_foreign_module(const std::string& tensor, const std::string& path,
                           const std::string& file);

/// Throws Error where a config.json says that the weights are quantised.
void refuse_quantised(const JsonField& config);

}  // namespace sidenet::models
