#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sidenet {

/// A text, or a pair of texts (question and answer, premise and hypothesis). UTF-8.
struct Text {
  std::string first = {};
  std::optional<std::string> second = {};
};

/// Rows of tokens, packed: row r's tokens are offsets[r] … offsets[r + 1] - 1 of each list. There
/// is no padding.
struct TokenRows {
  std::vector<std::int32_t> ids;        ///< into the vocabulary
  std::vector<std::int32_t> positions;  ///< 0, 1, … in each row
  std::vector<std::int32_t> types;      ///< 0 the first text, 1 the second
  std::vector<std::int64_t> offsets{0};

  std::int64_t rows() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t tokens() const { return static_cast<std::int64_t>(ids.size()); }
  std::int64_t length(std::int64_t row) const {
    return offsets[static_cast<std::size_t>(row) + 1] - offsets[static_cast<std::size_t>(row)];
  }
};

}  // namespace sidenet
