#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "piece_table.h"

namespace sidenet {

/// A piece that is taken from the raw text, before normalisation, wherever it stands: [SEP], [MASK], …
struct AddedToken {
  std::string content;
  std::int32_t id;
};

constexpr std::size_t kMaxAddedTokens = 1024, kMaxAddedTokenBytes = 256;

/// Finds added tokens in a text: the leftmost, of those the longest.
class AddedTokens {
 public:
  /// Throws Error: too many, an empty or overlong one, one twice.
  AddedTokens(const std::vector<AddedToken>& tokens, const std::string& source);
  AddedTokens(const AddedTokens&) = delete;
  AddedTokens& operator=(const AddedTokens&) = delete;

  struct Match {
    const char* begin;  ///< the text's end where there is none
    std::size_t bytes;
    std::int32_t id;
  };
  Match find(const char* begin, const char* end) const;

 private:
  std::vector<std::string> contents_;
  std::vector<std::int32_t> ids_;
  PieceTable table_;
  std::array<bool, 256> starts_{};
  int single_start_ = -1;  // the one byte that all begin with
};

}  // namespace sidenet
