#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sidenet/checkpoint.h"

namespace sidenet {

/// Whether that is the index of a checkpoint in several files, as transformers writes it:
/// {"weight_map": {"tensor": "file", …}}, in "….index.json".
bool is_checkpoint_index(const std::string& path);

/// The files that an index names, in the order of their names, as paths. Throws Error where the
/// index is damaged, or names a file outside its folder.
std::vector<std::string> checkpoint_shards(const std::string& index);

/// The tensors of all files, each read by `read_file`. Throws Error, naming the tensor and the
/// file, where a file is missing, or a tensor is not exactly where the index says.
Checkpoint read_sharded(const std::string& index,
                        const std::function<Checkpoint(const std::string& path)>& read_file);

}  // namespace sidenet
