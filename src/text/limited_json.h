#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidenet {

/// A tokenizer.json, parsed with bounds: at most kMaxDepth levels and kMaxValues values, no key twice. The vocabulary, by
/// far the largest part, is not kept as JSON values: `document` has an empty object at model.vocab.
struct TokenizerJson {
  static constexpr std::size_t kMaxDepth = 32, kMaxValues = 65'536;
  nlohmann::json document;
  std::vector<std::pair<std::string, std::uint64_t>> vocabulary;  ///< pieces with their ids, as they come
};

/// Throws Error: malformed JSON, beyond the bounds, an id that is no number.
TokenizerJson parse_tokenizer_json(std::string_view bytes, const std::string& source);

}  // namespace sidenet
