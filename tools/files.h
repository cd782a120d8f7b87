#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace sidenet::tools {

/// Throws Error where `path` could not be written, before any work is spent on it: a missing folder, no permission, a
/// folder or a device in its place.
void check_output(const std::string& path);

/// A regular file, to be read; `expected` is for the message. Throws Error: missing, unreadable, a folder, a FIFO, a
/// device.
std::ifstream open_text(const std::string& path, const std::string& expected);

/// The next line without its line break ("\n" or "\r\n"); none at the end. Throws Error, naming `source`, where a line is
/// longer than 64 KiB or holds a zero byte.
std::optional<std::string> next_line(std::istream& in, const std::string& source);

/// Lines of text without their line breaks. Unlike next_line, it goes on after a line that is too long.
class TextLines {
 public:
  explicit TextLines(std::istream& in) : in_(in) {}
  bool next();
  /// Throws Error where the line was longer than 1 MiB; the rest of it is skipped.
  const std::string& line() const;

 private:
  std::istream& in_;
  std::string line_;
  std::int64_t bytes_ = 0;
};

/// One label a line. Throws Error: no file, no line, a blank line before the last label, bytes that are not UTF-8.
std::vector<std::string> read_labels(const std::string& path);

/// All PNG, JPEG and BMP files in a folder and the folders below it, sorted by path. Throws Error where there is none.
std::vector<std::string> images_below(const std::string& folder);

}  // namespace sidenet::tools
