#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sidenet/export.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// Named weights out of a file of any format that is read.
struct Checkpoint {
  /// By PyTorch names, without the prefixes "module." (DataParallel) and "_orig_mod."
  /// (torch.compile) where every name carries them. Row-major and aligned to their element type;
  /// views of the file where it holds them so.
  std::map<std::string, Tensor> tensors;
  /// safetensors: __metadata__. PyTorch: the numbers and strings beside the weights ("epoch": "90",
  /// "arch": "resnet18"), and of arguments and configurations the network's name ("args.model").
  std::map<std::string, std::string> metadata;
  /// Class names in the order of the classes, of an entry class_to_idx, idx_to_class, classes or
  /// the like beside the weights. Empty: there is none, or its numbers are not 0, 1, ….
  std::vector<std::string> labels;
  /// "pytorch-zip", "pytorch-legacy" or "safetensors".
  std::string format;
};

/// Maps the file, and recognises its format by its bytes. Of an index ("….index.json") it reads all
/// the files that it names, which lie beside it. Nothing in them is executed. In nested
/// dicts the weights are those under a usual key (state_dict, model, module, ema, …), else the
/// dict's own, else its only dict with tensors. Where several dicts hold weights (state_dict and
/// state_dict_ema), all are read, each under its key: "state_dict_ema.conv1.weight". What lies
/// beside them (optimizers, arguments) is ignored. Throws Error, one line that names the file and
/// the tensor or byte: not a checkpoint, damaged, hostile, without weights, a whole pickled module.
SIDENET_API Checkpoint read_checkpoint(const std::string& path);
/// As above, of bytes in memory that `keep_alive` holds; `name` is for messages. Without
/// `keep_alive` the bytes must outlive the tensors.
SIDENET_API Checkpoint read_checkpoint(std::span<const std::byte> bytes,
                                       std::shared_ptr<const Storage> keep_alive,
                                       const std::string& name);

}  // namespace sidenet
