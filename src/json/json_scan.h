#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidenet {

/// What a JSON text may hold at most.
struct JsonLimits {
  std::size_t bytes, depth, values;
  std::size_t string_bytes;  ///< of one key or string, as written
};

/// The first thing wrong, or nothing (`what` is empty).
struct JsonDefect {
  std::string what;
  std::size_t byte = 0;  ///< from 1
  bool malformed = false;
};

/// Looks at a text before it is parsed, without memory of its own: its bounds, NUL (to nlohmann's
/// parser the end of the text), and all of its strings (UTF-8, escapes, pairs of surrogates), so
/// that a parser fails in none. Blanks, brackets and literals come in runs of at most 1 MiB: that
/// parser keeps them for its messages, up to nine bytes for one.
JsonDefect scan_json(std::string_view text, const JsonLimits& limits);

}  // namespace sidenet
