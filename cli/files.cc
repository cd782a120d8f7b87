#include "files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "lines.h"
#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kMostLabels = 1'000'000;

bool is_image_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<const char*, 4> known = {".png", ".jpg", ".jpeg", ".bmp"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

}  // namespace

std::vector<std::string> read_labels(const std::string& path) {
  Lines lines = Lines::of_file(path, "a file with one label a line", Lines::Kind::names);
  std::vector<std::string> labels;
  while (lines.next()) {
    std::string label;
    try {
      label = lines.line();
    } catch (const Error& error) {
      throw Error(path + ": line " + std::to_string(lines.number()) + ": " + error.what());
    }
    if (labels.empty() && label.starts_with("\xEF\xBB\xBF")) label.erase(0, 3);  // byte order mark
    if (!is_utf8(label))
      throw Error(path + ": line " + std::to_string(lines.number()) + ": not UTF-8");
    labels.push_back(std::move(label));
    if (labels.size() > kMostLabels) throw Error(path + ": more than 1,000,000 labels");
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) throw Error(path + ": no labels; expected one a line");
  const auto blank = std::find(labels.begin(), labels.end(), "");
  if (blank != labels.end()) {
    throw Error(path + ": line " + std::to_string(blank - labels.begin() + 1) +
                " is blank; expected a label");
  }
  return labels;
}

std::vector<std::string> images_below(const std::string& folder) {
  std::vector<std::string> images;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error), end;
  while (!error && at != end) {
    std::error_code not_a_file;
    if (at->is_regular_file(not_a_file) && is_image_name(at->path()))
      images.push_back(at->path().string());
    at.increment(error);
  }
  if (error) throw Error(folder + ": cannot be read: " + error.message());
  if (images.empty()) throw Error(folder + ": a folder without PNG, JPEG or BMP files");
  std::sort(images.begin(), images.end());
  return images;
}

}  // namespace sidenet::tools
