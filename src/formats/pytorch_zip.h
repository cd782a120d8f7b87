#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "sidenet/checkpoint.h"

namespace sidenet {

/// torch.save since 1.6: a zip archive with ROOT/data.pkl, the pickle, and ROOT/data/KEY, the
/// storages, little-endian. Throws Error: see read_checkpoint; also for TorchScript archives and
/// big-endian files.
Checkpoint read_pytorch_zip(std::span<const std::byte> bytes,
                            std::shared_ptr<const Storage> keep_alive, const std::string& name);

}  // namespace sidenet
