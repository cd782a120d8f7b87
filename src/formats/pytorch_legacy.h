#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "sidenet/checkpoint.h"

namespace sidenet {

/// Whether the bytes begin as a pickle of PyTorch's magic number does.
bool is_pytorch_legacy(std::span<const std::byte> bytes);

/// torch.save from 0.2 to 1.5 (_legacy_save in torch/serialization.py): five pickles, one behind
/// the other (magic number, protocol version 1001, system, the object, the keys of its storages),
/// then each storage: its count of elements as eight bytes, and the elements, little-endian. Throws
/// Error: see read_checkpoint.
Checkpoint read_pytorch_legacy(std::span<const std::byte> bytes,
                               std::shared_ptr<const Storage> keep_alive, const std::string& name);

}  // namespace sidenet
