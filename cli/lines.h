#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sidenet::tools {

/// The lines of a text file or of standard input, as they come: those of a pipe while it is open.
/// What cannot be read is never taken for the end.
class Lines {
 public:
  enum class Kind {
    names,  ///< of files, of classes: at most 64 KiB a line, no zero byte
    texts,  ///< at most 1 MiB a line
  };

  /// Where all that has come is read, and for as long as `patience` says neither more nor the end
  /// comes, `meanwhile` is called, once.
  struct Waiting {
    std::function<std::optional<std::chrono::milliseconds>()> patience;
    std::function<void()> meanwhile;
  };
  /// Throws Error where it was closed.
  static Lines of_standard_input(Kind kind, Waiting waiting = {});
  /// A regular file; `expected` is for the message. Throws Error: missing, unreadable, a folder, a
  /// FIFO, a device.
  static Lines of_file(const std::string& path, const std::string& expected, Kind kind);

  /// Goes to the next line; false at the end. Throws Error, naming the place, where reading fails:
  /// a line that is cut short so is none, and none comes after it.
  bool next();
  /// Without its line break ("\n" or "\r\n"). Throws Error, not naming the place, where it is
  /// longer than the kind allows or holds a zero byte that it does not: the next one can still be
  /// read.
  const std::string& line() const;
  std::int64_t number() const { return number_; }
  /// "texts.txt:7".
  std::string place() const { return source_ + ":" + std::to_string(number_); }

 private:
  struct Close {
    void operator()(const int* descriptor) const;
  };
  using File = std::unique_ptr<const int, Close>;
  /// file: none is standard input, which stays open.
  Lines(File file, std::string source, Kind kind, Waiting waiting = {});
  int descriptor() const;
  bool fill();

  File file_;
  std::string source_;
  Kind kind_;
  Waiting waiting_;
  std::string buffer_;
  std::size_t at_ = 0;  // in the buffer
  bool ended_ = false;
  std::string line_;  // as much of it as may be kept
  std::size_t bytes_ = 0;
  std::int64_t number_ = 0;
};

}  // namespace sidenet::tools
