#pragma once

#include <memory>

#include "file_bytes.h"
#include "sidenet/dataset.h"

namespace sidenet {

/// The unsigned bytes of an IDX file (the format of MNIST, yann.lecun.com/exdb/mnist): 0, 0,
/// element type, rank, then the extents as big-endian 32-bit numbers, then the elements.
struct IdxArray {
  Shape shape;
  std::span<const std::byte> elements;
};

/// Whether the first bytes are those of an IDX file.
bool is_idx(std::span<const std::byte> bytes);
/// Throws Error: not IDX, elements other than unsigned bytes, rank over 4, a length that disagrees
/// with the extents.
IdxArray parse_idx(const FileBytes& file);
/// Images (N, H, W) or (N, H, W, 1 or 3), and labels (N). Throws Error where the ranks or the
/// counts do not fit.
std::shared_ptr<const Dataset> idx_dataset(const FileBytes& images, const FileBytes& labels);
/// The images alone, without labels.
std::shared_ptr<const Dataset> idx_images(const FileBytes& images);

}  // namespace sidenet
