#pragma once

#include <memory>
#include <vector>

#include "file_bytes.h"
#include "sidenet/dataset.h"

namespace sidenet {

/// CIFAR's binary files (www.cs.toronto.edu/~kriz/cifar.html): rows of 1 label byte (CIFAR-10) or 2
/// (CIFAR-100: coarse, fine; the fine one is used), then the red, green and blue planes of 32 x 32
/// pixels.
enum class CifarKind { cifar10, cifar100 };

/// Told by the length and by every row's labels; where both kinds fit, by the usual names
/// (data_batch_1.bin and test_batch.bin, or train.bin and test.bin). Throws Error where neither
/// fits, or both do and the name does not tell.
CifarKind cifar_kind(const FileBytes& file);
/// The rows of all files, in the order given. Throws Error where a file is not CIFAR, or the kinds
/// differ.
std::shared_ptr<const Dataset> cifar_dataset(const std::vector<FileBytes>& files);

}  // namespace sidenet
