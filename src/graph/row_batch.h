#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sidenet/tensor.h"

namespace sidenet {

/// The leading extent of a value that has one entry a token: (kTokens, 768). Every other value has
/// one entry a row.
inline constexpr std::int64_t kTokens = -1;

/// The rows that an operation is given.
struct RowBatch {
  int rows = 0;
  int tokens = 0;  ///< of all rows; 0 for images
  /// (rows + 1): row r has tokens offsets[r] … offsets[r + 1] - 1.
  const std::int64_t* offsets = nullptr;
  /// Weights that the operation after this one reads, an even share by each thread; a kernel may
  /// fetch them into the caches meanwhile.
  std::span<const std::byte> coming = {};
};

/// What buffers must have room for.
struct Capacity {
  int rows = 1;
  int tokens = 0;
  int threads = 1;
  /// Entries of the larger kind: every row has a token at least.
  std::size_t entries() const { return static_cast<std::size_t>(tokens > rows ? tokens : rows); }
};

inline bool is_per_token(const Shape& shape) { return !shape.empty() && shape[0] == kTokens; }

/// Floats of one entry (a token's, or a row's).
inline std::size_t entry_elements(const Shape& shape) {
  std::size_t count = 1;
  for (std::size_t i = is_per_token(shape) ? 1 : 0; i < shape.size(); ++i)
    count *= static_cast<std::size_t>(shape[i]);
  return count;
}

/// Entries of a value of that shape.
inline int entries(const Shape& shape, const RowBatch& batch) {
  return is_per_token(shape) ? batch.tokens : batch.rows;
}

}  // namespace sidenet
