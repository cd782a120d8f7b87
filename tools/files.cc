#include "files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "atomic_file.h"
#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kLongestLine = 64 * 1024, kMostLabels = 1'000'000;
constexpr std::int64_t kLongestText = 1 << 20;

bool is_image_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<const char*, 4> known = {".png", ".jpg", ".jpeg", ".bmp"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

}  // namespace

void check_output(const std::string& path) {
  AtomicFile probe(path);  // makes its temporary file, and removes it
}

std::ifstream open_text(const std::string& path, const std::string& expected) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) throw Error(path + ": no such file");
  if (std::filesystem::is_directory(status)) throw Error(path + ": expected " + expected + ", got a folder");
  // A FIFO would hold us up, and /dev/zero has no end.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw Error(path + ": expected " + expected + ", got a device, pipe or socket");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(path + ": cannot be read: " + (error ? error.message() : std::strerror(errno)));
  return file;
}

std::optional<std::string> next_line(std::istream& in, const std::string& source) {
  using Traits = std::istream::traits_type;
  std::string line;
  bool any = false;
  for (auto c = in.get(); !Traits::eq_int_type(c, Traits::eof()); c = in.get()) {
    any = true;
    if (c == '\n') break;
    if (c == 0) throw Error(source + ": a zero byte; expected text, one entry a line");
    if (line.size() >= kLongestLine) throw Error(source + ": a line longer than 65,536 bytes");
    line += Traits::to_char_type(c);
  }
  if (!any) return std::nullopt;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

bool TextLines::next() {
  using Traits = std::istream::traits_type;
  line_.clear();
  bytes_ = 0;
  std::streambuf& buffer = *in_.rdbuf();
  auto c = buffer.sbumpc();
  if (Traits::eq_int_type(c, Traits::eof())) return false;
  for (; !Traits::eq_int_type(c, Traits::eof()) && c != '\n'; c = buffer.sbumpc()) {
    if (++bytes_ <= kLongestText) line_ += Traits::to_char_type(c);
  }
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return true;
}

const std::string& TextLines::line() const {
  if (bytes_ > kLongestText) throw Error("expected a text of at most 1 MiB, got " + std::to_string(bytes_) + " bytes");
  return line_;
}

std::vector<std::string> read_labels(const std::string& path) {
  std::ifstream in = open_text(path, "a file with one label a line");
  std::vector<std::string> labels;
  while (auto line = next_line(in, path)) {
    if (labels.empty() && line->starts_with("\xEF\xBB\xBF")) line->erase(0, 3);  // byte order mark
    if (!is_utf8(*line)) throw Error(path + ": line " + std::to_string(labels.size() + 1) + ": not UTF-8");
    labels.push_back(std::move(*line));
    if (labels.size() > kMostLabels) throw Error(path + ": more than 1,000,000 labels");
  }
  if (in.bad()) throw Error(path + ": cannot be read");
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) throw Error(path + ": no labels; expected one a line");
  const auto blank = std::find(labels.begin(), labels.end(), "");
  if (blank != labels.end()) {
    throw Error(path + ": line " + std::to_string(blank - labels.begin() + 1) + " is blank; expected a label");
  }
  return labels;
}

std::vector<std::string> images_below(const std::string& folder) {
  std::vector<std::string> images;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error), end;
  while (!error && at != end) {
    std::error_code not_a_file;
    if (at->is_regular_file(not_a_file) && is_image_name(at->path())) images.push_back(at->path().string());
    at.increment(error);
  }
  if (error) throw Error(folder + ": cannot be read: " + error.message());
  if (images.empty()) throw Error(folder + ": a folder without PNG, JPEG or BMP files");
  std::sort(images.begin(), images.end());
  return images;
}

}  // namespace sidenet::tools
