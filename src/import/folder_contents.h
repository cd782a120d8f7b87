#pragma once

#include <string>
#include <vector>

namespace sidenet {

/// Throws Error: the folder has no model.safetensors or pytorch_model.bin. Says what it has instead
/// (an adapter, another framework's weights, several files, the hub's cache, …), and what to do.
[[noreturn]] void refuse_without_weights(const std::string& folder);

/// Throws Error where the file is one of several that an index beside it names.
void refuse_shard(const std::string& file);

/// Throws Error where an adapter (LoRA, AdapterHub) lies in the folder of a network: which of the
/// two is meant is not told.
void refuse_adapter_beside(const std::string& folder);

/// What sentence-transformers or SetFit compute behind the encoder of the folder, and import leaves
/// out: a line each.
std::vector<std::string> parts_left_out(const std::string& folder);

}  // namespace sidenet
