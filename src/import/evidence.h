#pragma once

#include "import_text.h"
#include "model_data.h"
#include "sidenet/checkpoint.h"

namespace sidenet {

/// Whether names that the checkpoint and its config.json carry agree with the network that was
/// recognised. Throws Error where one names another; where the user asked for an architecture, it
/// is noted.
void check_names(const Checkpoint& checkpoint, const std::optional<JsonField>& config,
                 const ImportOptions& options, ModelData& data);

/// What arguments and names in the checkpoint and its config.json tell of the network's wiring.
models::Settings told_settings(const models::Family& family, const Checkpoint& checkpoint,
                               const std::optional<JsonField>& config);

/// For a checkpoint that no family recognises: what its config.json says that it is, "
/// (config.json: model_type 'vit')"; empty where it does not.
std::string told_by_config(const CheckpointFiles& files);

}  // namespace sidenet
