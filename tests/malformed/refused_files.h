#pragma once

#include <doctest/doctest.h>

#include <string>

#include "../internal/image_files.h"
#include "tried_files.h"

// What is asked of readers of bad pictures and data.
namespace files {

/// One line that begins with the file's name and holds `part`.
inline void check_message(const std::string& message, const std::string& name,
                          const std::string& part) {
  ++sidenet::testing::tried_files;
  CAPTURE(message);
  CAPTURE(part);
  CHECK(is_one_line(message));
  CHECK(message.find(name) == 0);
  CHECK(message.find(part) != std::string::npos);
}

/// `read` refuses every proper prefix of `bytes` (every `step`th).
template <typename Read>
void check_prefixes_refused(const Bytes& bytes, std::size_t step, Read read) {
  for (std::size_t size = 0; size < bytes.size(); size += step) {
    const Bytes prefix = bytes.substr(0, size);
    ++sidenet::testing::tried_files;
    const auto message = error_of([&] { read(prefix); });
    INFO("prefix of ", size, " bytes: ", message);
    CHECK(is_one_line(message));
  }
}

}  // namespace files
