#pragma once

#include <string>
#include <string_view>

namespace sidenet {

/// A format that is neither texts' nor images', told by the first bytes of a file.
struct KnownFormat {
  const char* name;    ///< "Parquet", "a zip file"; null: none of those known
  const char* advice;  ///< what to do; FILE stands for its name
};
KnownFormat known_format(std::string_view bytes, const std::string& path);

/// Throws Error, with what to do, where known_format() knows it.
void refuse_known_format(std::string_view bytes, const std::string& path);

/// In lower case, that in front of .gz: ".csv".
std::string text_extension(const std::string& path);

}  // namespace sidenet
